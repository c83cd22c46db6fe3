# Read by the build of llama-cpp-python, right after its project() line.
#
# Leaves out what the Python package does not install for text: the reader of pictures, and the
# library behind llama.cpp's own programs, which takes a third of the time.
set(LLAVA_BUILD OFF)
set(LLAMA_BUILD_COMMON OFF)
