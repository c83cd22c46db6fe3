"""Run the models of an Ollama server on this machine."""
