"""``python -m pilotlight_transformer``."""

import sys

from pilotlight_transformer.main import main

if __name__ == "__main__":
    sys.exit(main())
