"""``python -m pilotlight_predictor``."""

from pilotlight_predictor.main import leave, main

if __name__ == "__main__":
    leave(main())
