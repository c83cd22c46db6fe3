# The build of llama-cpp-python reads this file right after its project() line.
#
# Leaves out what is not needed for text: the image reader, and the library behind llama.cpp's own
# programs, which takes a third of the build time.
set(LLAVA_BUILD OFF)
set(LLAMA_BUILD_COMMON OFF)
