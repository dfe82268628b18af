"""How the shipped coefficients were made. Needs scikit-learn (`pip install -e '.[dev]'`) and the data sets."""
