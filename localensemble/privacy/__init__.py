"""The promise that nothing leaves the machine, and its proof."""
