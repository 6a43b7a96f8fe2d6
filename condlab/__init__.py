"""A lab bench for conditioning in numerical linear algebra and deep learning."""
