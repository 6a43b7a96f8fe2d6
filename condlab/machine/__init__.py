"""What condlab asks of the machine: files, memory, processes, precision."""
