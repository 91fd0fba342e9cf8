//! Long simulations of what is promised: false alarms, exactness after crashes, calibrated scores.

mod live;
mod promise;
mod score_calibration;
