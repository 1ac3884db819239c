"""`python -m kei_assembler` is the command `assemble`."""

from kei_assembler.start import main

if __name__ == "__main__":
    main()
