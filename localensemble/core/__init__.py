"""Values and rules that all other packages share; imports no other package of the program."""
