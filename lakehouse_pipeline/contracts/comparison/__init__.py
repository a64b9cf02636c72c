"""The parts of a comparison of two contracts, one promise each; `contracts.compare` joins them."""
