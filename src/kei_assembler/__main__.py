"""`python -m kei_assembler` is the command `assemble`."""

from kei_assembler.start import command

if __name__ == "__main__":
    command()
