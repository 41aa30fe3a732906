"""``python -m mailproxy``."""

from mailproxy.cli import main

if __name__ == "__main__":
    main()
