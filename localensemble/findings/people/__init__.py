"""What people's decisions show: about the people, the models and the codebook."""
