//! Users, passwords, logins, devices: the use cases, free of HTTP and SQL.

mod email;
mod password;

pub use email::*;
pub use password::*;
