"""Run GGUF models with llama.cpp: load, tokenize, score every category, estimate memory."""
