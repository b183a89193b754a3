"""Credit Express: `credit-express --help` says what it does."""
