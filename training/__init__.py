"""How the shipped weights are made: labels by teachers that agree, a start, draws by weight, augmentation, the file."""
