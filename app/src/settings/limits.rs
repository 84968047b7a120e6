//! `auth.limits.…`: how often somebody may try.

use relais_domain::ports::Rate;

/// How often somebody may do what strangers may try, as rates: `5 per 1m` is five at once, and five within each minute
/// after that; `off` is no limit.
///
/// The defaults are chosen so that a household or an office behind one address can work, a password cannot be guessed
/// online, and nobody is shut out by a stranger: what a stranger can empty (`login_per_email`) does not count for a
/// device that the user has already, which has a bucket of its own, and a login that succeeds gives back what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `auth.limits.login_per_email_and_address`: wrong passwords for one email address from one network address.
    pub login_per_email_and_address: Rate,
    /// `auth.limits.login_per_email`: wrong passwords for one email address, wherever they come from.
    pub login_per_email: Rate,
    /// `auth.limits.login_per_known_device`: wrong passwords from a device that the user has already.
    pub login_per_known_device: Rate,
    /// `auth.limits.login_per_address`: wrong passwords from one network address, for whomever.
    pub login_per_address: Rate,
    /// `auth.limits.login_total`: logins of everybody, which cost computing time.
    pub login_total: Rate,
    /// `auth.limits.register_per_address`: registrations from one network address.
    pub register_per_address: Rate,
    /// `auth.limits.mail_per_email`: mails to one email address.
    pub mail_per_email: Rate,
    /// `auth.limits.mail_per_address`: mails that one network address asks for.
    pub mail_per_address: Rate,
    /// `auth.limits.mail_total`: mails to everybody.
    pub mail_total: Rate,
    /// `auth.limits.device_removals_per_user`: devices that one user removes; each is a push to the brokers.
    pub device_removals_per_user: Rate,
    /// `auth.limits.refresh_per_device`: new access tokens for one device.
    pub refresh_per_device: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        let rate = |text: &str| text.parse().expect("it is a rate");
        Self {
            login_per_email_and_address: rate("10 per 1h"),
            login_per_email: rate("100 per 1d"),
            login_per_known_device: rate("20 per 1h"),
            login_per_address: rate("100 per 1h"),
            login_total: rate("1200 per 1m"),
            register_per_address: rate("30 per 1h"),
            mail_per_email: rate("5 per 1h"),
            mail_per_address: rate("20 per 1h"),
            mail_total: rate("1000 per 1h"),
            device_removals_per_user: rate("30 per 1h"),
            refresh_per_device: rate("30 per 15m"),
        }
    }
}
