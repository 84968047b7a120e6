//! `reflect`
