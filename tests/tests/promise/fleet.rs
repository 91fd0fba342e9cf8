//! A fleet through the real engine: 500 stationary series of mixed kinds, and the budget.
