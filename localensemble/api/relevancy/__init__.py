"""Score many yes/no topics by the relevancy of what raters quote."""
