"""Where rows, bases and checkpoints are kept, and whether there is room."""
