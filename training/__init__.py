"""How the shipped weights are made: labels completed by teachers, photographs as bad cameras take them, the file."""
