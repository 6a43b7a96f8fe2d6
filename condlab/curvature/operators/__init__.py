"""Operators of curvature: Hessian, Gauss-Newton, Fisher, Jacobian."""
