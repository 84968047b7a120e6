// Made from openapi/relais.json by `./x clients`; not to be edited.

#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///An account.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct AccountAnswer {
        ///When this version was made, in seconds since 1970.
        pub issued_at: i64,
        ///The size of its JWT in bytes; brokers take as much as their `max_payload`.
        pub jwt_bytes: u64,
        ///Its name.
        pub name: ::std::string::String,
        ///Its identity key.
        pub public_key: ::std::string::String,
        ///How many keys are revoked.
        pub revocations: u64,
        ///The keys that sign its users.
        pub signing_keys: ::std::vec::Vec<SigningKey>,
        ///How many long-lived users are kept.
        pub users: u64,
    }
    ///Who did what, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct AuditAnswer {
        ///The entries.
        pub entries: ::std::vec::Vec<AuditEntry>,
    }
    ///Somebody did something.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct AuditEntry {
        ///What: `nsc.user.add`, `users.role`, ….
        pub action: ::std::string::String,
        ///Who: `user:…`, `command:…` (on the server), `relais`.
        pub actor: ::std::string::String,
        ///When.
        pub at: ::jiff::Timestamp,
        ///More, in words.
        pub detail: ::std::string::String,
        ///Its place in time.
        pub id: ::std::string::String,
        ///`done`, `there` (it was so already), `refused`, `failed`.
        pub outcome: ::std::string::String,
        ///To whom or what.
        pub target: ::std::string::String,
    }
    ///What is changed about a user.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct ChangeUserRequest {
        ///Whether the user is an admin.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub admin: ::std::option::Option<bool>,
        ///Whether the user is kept out. Who is has no devices: they are removed.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub disabled: ::std::option::Option<bool>,
        ///Another role.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub role: ::std::option::Option<::std::string::String>,
    }
    ///Who wants to be the first admin.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct ClaimRequest {
        ///The one-time token.
        pub token: super::super::call::Sealed,
    }
    ///All that something claims.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct ClaimsAnswer {
        ///What stands in the JWT (`github.com/nats-io/jwt`).
        pub claims: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ///The JWT.
        pub jwt: ::std::string::String,
        ///Its name.
        pub name: ::std::string::String,
        ///Its key.
        pub public_key: ::std::string::String,
    }
    ///What kind of program logs in: the credentials of a browser hold for 15 minutes.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Client {
        #[serde(rename = "device")]
        Device,
        #[serde(rename = "browser")]
        Browser,
    }
    impl ::std::fmt::Display for Client {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Device => f.write_str("device"),
                Self::Browser => f.write_str("browser"),
            }
        }
    }
    impl ::std::str::FromStr for Client {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "device" => Ok(Self::Device),
                "browser" => Ok(Self::Browser),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Client {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Client {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///Whose mailbox is to be proven.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct CodeRequest {
        ///The address that was registered.
        pub email: ::std::string::String,
    }
    ///A device of a user.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Device {
        ///First login.
        pub created_at: ::jiff::Timestamp,
        ///Whether it is the one that is asking.
        pub current: bool,
        ///When its credentials end; without it, never.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expires_at: ::std::option::Option<::jiff::Timestamp>,
        ///Its id.
        pub id: ::std::string::String,
        ///What its user calls it.
        pub name: ::std::string::String,
        ///Its public nkey.
        pub public_key: ::std::string::String,
        ///Newest login or refresh.
        pub seen_at: ::jiff::Timestamp,
    }
    ///The devices of a user, oldest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct DevicesAnswer {
        ///The devices.
        pub devices: ::std::vec::Vec<Device>,
    }
    ///How the server is.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct HealthAnswer {
        ///Always `ok`.
        pub status: ::std::string::String,
    }
    ///Operator and accounts.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct InfoAnswer {
        ///Its accounts, by name.
        pub accounts: ::std::vec::Vec<AccountAnswer>,
        pub operator: OperatorInfo,
    }
    ///A public key (RFC 8037).
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Jwk {
        ///Always `EdDSA`.
        pub alg: ::std::string::String,
        ///Always `Ed25519`.
        pub crv: ::std::string::String,
        ///Its id, as it stands in the header of tokens.
        pub kid: ::std::string::String,
        ///Always `OKP`.
        pub kty: ::std::string::String,
        ///Always `sig`.
        #[serde(rename = "use")]
        pub use_: ::std::string::String,
        ///The key, as base64url.
        pub x: ::std::string::String,
    }
    ///The public keys of access tokens (RFC 7517).
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct JwksAnswer {
        ///The keys: of tokens that may be met now, and the one that comes next.
        pub keys: ::std::vec::Vec<Jwk>,
    }
    ///A device with its credentials.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct LoginAnswer {
        ///For this API.
        pub access_token: super::super::call::Sealed,
        ///JWT and seed as a creds file; only when the request had no `public_key`, and only this once.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub creds: ::std::option::Option<super::super::call::Sealed>,
        ///The device's id.
        pub device_id: ::std::string::String,
        ///When the JWT ends; without it, never.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expires_at: ::std::option::Option<::jiff::Timestamp>,
        ///How long the access token holds, in seconds.
        pub expires_in: u64,
        ///What goes in front of the device's inboxes; a NATS client must be told.
        pub inbox_prefix: ::std::string::String,
        ///The user JWT that the brokers believe.
        pub jwt: ::std::string::String,
        pub permissions: Permissions,
        ///For `POST /token`, which renews all of this without a password; good once.
        pub refresh_token: super::super::call::Sealed,
        ///Addresses of the brokers.
        pub servers: ::std::vec::Vec<::std::string::String>,
        pub token_type: TokenType,
        ///The user's id: the `{user}` of subjects.
        pub user_id: ::std::string::String,
        ///Addresses of the brokers for browsers.
        pub websocket: ::std::vec::Vec<::std::string::String>,
    }
    ///Who wants to log in, on which device.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct LoginRequest {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub client: ::std::option::Option<Client>,
        ///A code that was mailed to the address (`POST /login/code`, or with the registration).
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<super::super::call::Sealed>,
        ///What to call the device.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub device: ::std::option::Option<::std::string::String>,
        ///The address that was registered.
        pub email: ::std::string::String,
        ///The password; or a code.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub password: ::std::option::Option<super::super::call::Sealed>,
        /**The device's own public nkey (`U…`). Its seed then never leaves the device. Without one the server makes the
pair, and the answer has `creds`.*/
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub public_key: ::std::option::Option<::std::string::String>,
    }
    ///Who is asking.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct MeAnswer {
        ///When the user registered.
        pub created_at: ::jiff::Timestamp,
        ///The device that is asking.
        pub device_id: ::std::string::String,
        ///The address, as it is kept.
        pub email: ::std::string::String,
        ///The user's id.
        pub id: ::std::string::String,
        ///Whether the address is proven.
        pub verified: bool,
    }
    ///A new account.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NewAccountRequest {
        ///Its name.
        pub name: ::std::string::String,
    }
    ///The names of a new installation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NewSetupRequest {
        ///The name of the application's account; not `SYS` or `OPS`.
        pub account: ::std::string::String,
        ///The operator's name.
        pub operator: ::std::string::String,
    }
    ///A user with its JWT.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct NewUserAnswer {
        ///Its account.
        pub account: ::std::string::String,
        ///JWT and seed as a creds file, when the pair was made here; on a repeat only when the seed was kept.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub creds: ::std::option::Option<super::super::call::Sealed>,
        ///When the JWT ends; without it, never.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expires_at: ::std::option::Option<::jiff::Timestamp>,
        ///What goes in front of its inboxes; a NATS client must be told.
        pub inbox_prefix: ::std::string::String,
        ///What brokers believe.
        pub jwt: ::std::string::String,
        ///Its name.
        pub name: ::std::string::String,
        ///Its key.
        pub public_key: ::std::string::String,
    }
    ///A new user. With neither a role nor lists it gets what the settings say, which is the role `user` unless they say otherwise.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NewUserRequest {
        ///In which account; without it, the application's.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub account: ::std::option::Option<::std::string::String>,
        /**What it may publish to, with `{user}` for its own name. (What `nsc.force` names is let through as well.) Brokers read a JWT of
3 500 bytes, which is some 1 800 for both lists; more is refused.*/
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allow_pub: ::std::vec::Vec<::std::string::String>,
        ///What it may listen to; of topics, those of the setting `topics`. (What `nsc.force` names is let through as well.)
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allow_sub: ::std::vec::Vec<::std::string::String>,
        ///How long it holds, in nsc's syntax: `6M`, `30d`, `0` for ever; without it, `nsc.expiry`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expiry: ::std::option::Option<::std::string::String>,
        ///Whether the seed of a pair made here is kept on the server, with a creds file.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub keep_seed: ::std::option::Option<bool>,
        ///Its name, which becomes its user id.
        pub name: ::std::string::String,
        ///Its own public nkey (`U…`). Without one a pair is made, and the answer has `creds`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub public_key: ::std::option::Option<::std::string::String>,
        ///The role whose member it is.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub role: ::std::option::Option<::std::string::String>,
    }
    ///A user that is kept.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NscUserAnswer {
        ///What its own lists let it publish to.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allow_pub: ::std::vec::Vec<::std::string::String>,
        ///What they let it listen to.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allow_sub: ::std::vec::Vec<::std::string::String>,
        ///What stands in the JWT; only when one user was asked for.
        #[serde(default, skip_serializing_if = "::serde_json::Map::is_empty")]
        pub claims: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ///When its JWT ends; without it, never.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expires_at: ::std::option::Option<::jiff::Timestamp>,
        ///When its JWT was made, in seconds since 1970.
        pub issued_at: i64,
        ///The JWT; only when one user was asked for.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub jwt: ::std::option::Option<::std::string::String>,
        ///Its name.
        pub name: ::std::string::String,
        ///Its key.
        pub public_key: ::std::string::String,
        ///Why brokers do not believe it: `revoked`, `expired`, …; without it, they do.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub refused: ::std::option::Option<::std::string::String>,
        ///The role whose member it is; without it, it has lists of its own.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub role: ::std::option::Option<::std::string::String>,
    }
    ///Users of an account, by name.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct NscUsersAnswer {
        ///The users.
        pub users: ::std::vec::Vec<NscUserAnswer>,
    }
    ///The operator.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct OperatorInfo {
        ///Its name.
        pub name: ::std::string::String,
        ///Its identity key.
        pub public_key: ::std::string::String,
        ///The keys that sign accounts.
        pub signing_keys: ::std::vec::Vec<::std::string::String>,
    }
    ///Another password.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct PasswordRequest {
        ///The password from now on.
        pub new: super::super::call::Sealed,
        ///The password until now.
        pub old: super::super::call::Sealed,
        ///Whether all other devices are removed, because somebody else may know the old password.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub remove_other_devices: ::std::option::Option<bool>,
    }
    ///What the brokers let a device do, as NATS filters.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct Permissions {
        ///Where it may publish.
        pub publish: ::std::vec::Vec<::std::string::String>,
        ///What it may listen to.
        pub subscribe: ::std::vec::Vec<::std::string::String>,
    }
    ///What a user may do: a role, or both lists; with neither, what the settings say.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct PermissionsRequest {
        /**What it may publish to, with `{user}` for its own name. (What `nsc.force` names is let through as well.) Brokers read a JWT of
3 500 bytes, which is some 1 800 for both lists; more is refused.*/
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allow_pub: ::std::vec::Vec<::std::string::String>,
        ///What it may listen to; of topics, those of the setting `topics`. (What `nsc.force` names is let through as well.)
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        pub allow_sub: ::std::vec::Vec<::std::string::String>,
        ///The role whose member it becomes.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub role: ::std::option::Option<::std::string::String>,
    }
    ///How the brokers stand.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct PushAnswer {
        ///One an account.
        pub accounts: ::std::vec::Vec<PushedAccount>,
        ///Whether every broker has ours.
        pub agree: bool,
    }
    ///How the brokers stand to an account.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct PushedAccount {
        ///How many of them have our version.
        pub agree: u64,
        ///How many brokers there are.
        pub brokers: u64,
        ///Its name.
        pub name: ::std::string::String,
    }
    ///What goes on with a login.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct RefreshRequest {
        ///The `refresh_token` of the newest login or refresh.
        pub refresh_token: super::super::call::Sealed,
    }
    ///A new user.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct RegisterAnswer {
        ///When the user registered.
        pub created_at: ::jiff::Timestamp,
        ///The address, as it is kept.
        pub email: ::std::string::String,
        ///The user's id, made by the server.
        pub id: ::std::string::String,
        ///Whether the address has to be proven by the code that was mailed to it, at the first login.
        pub to_be_verified: bool,
    }
    ///Who wants to register.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct RegisterRequest {
        ///An address; capitals and small letters are the same.
        pub email: ::std::string::String,
        ///At least 8 characters of any kind. Not needed where the server asks for no proof (`auth.proof = "none"`).
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub password: ::std::option::Option<super::super::call::Sealed>,
    }
    ///Another password, and what proves whose it is.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone)]
    pub struct ResetRequest {
        ///The code that was mailed.
        pub code: super::super::call::Sealed,
        ///The address that was registered.
        pub email: ::std::string::String,
        ///The password from now on.
        pub password: super::super::call::Sealed,
    }
    ///Whose key was banned.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct RevokedAnswer {
        ///The key.
        pub public_key: ::std::string::String,
    }
    ///How signing keys are replaced.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default)]
    pub struct RotateRequest {
        ///Whether the old keys are not believed any more from now on, as when a seed has leaked; `false`, unless it is said.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub at_once: ::std::option::Option<bool>,
    }
    ///What a rotation has done.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct RotationAnswer {
        ///Keys that sign from now on.
        pub added: ::std::vec::Vec<::std::string::String>,
        ///Long-lived users whom a removed key had signed: they need new creds.
        pub cut_off: ::std::vec::Vec<::std::string::String>,
        ///Keys that are not believed any more.
        pub removed: ::std::vec::Vec<::std::string::String>,
        ///Keys that sign no more, and are still believed.
        pub retired: ::std::vec::Vec<::std::string::String>,
    }
    ///An operator.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct SetupAnswer {
        ///The name of the application's account.
        pub account: ::std::string::String,
        ///Its JWT: `operator` of a nats-server's configuration.
        pub jwt: ::std::string::String,
        ///Its name.
        pub operator: ::std::string::String,
        ///Its identity key (`O…`).
        pub public_key: ::std::string::String,
        ///The system account's key: `system_account` there.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub system_account: ::std::option::Option<::std::string::String>,
    }
    ///A key that signs users.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct SigningKey {
        ///The key.
        pub public_key: ::std::string::String,
        ///The role whose members it signs.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub role: ::std::option::Option<::std::string::String>,
        ///Whether it signs from now on; one that does not is only believed until its rotation is ended.
        pub signs: bool,
    }
    ///Whether a user is let in.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Debug,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum Standing {
        #[serde(rename = "active")]
        Active,
        #[serde(rename = "disabled")]
        Disabled,
        #[serde(rename = "leaving")]
        Leaving,
    }
    impl ::std::fmt::Display for Standing {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Active => f.write_str("active"),
                Self::Disabled => f.write_str("disabled"),
                Self::Leaving => f.write_str("leaving"),
            }
        }
    }
    impl ::std::str::FromStr for Standing {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "active" => Ok(Self::Active),
                "disabled" => Ok(Self::Disabled),
                "leaving" => Ok(Self::Leaving),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for Standing {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for Standing {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///How an access token is sent (RFC 6750).
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Copy,
        Eq,
        Hash,
        Ord,
        PartialEq,
        PartialOrd
    )]
    pub enum TokenType {
        Bearer,
    }
    impl ::std::fmt::Display for TokenType {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match *self {
                Self::Bearer => f.write_str("Bearer"),
            }
        }
    }
    impl ::std::str::FromStr for TokenType {
        type Err = self::error::ConversionError;
        fn from_str(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            match value {
                "Bearer" => Ok(Self::Bearer),
                _ => Err("invalid value".into()),
            }
        }
    }
    impl ::std::convert::TryFrom<&str> for TokenType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: &str,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<::std::string::String> for TokenType {
        type Error = self::error::ConversionError;
        fn try_from(
            value: ::std::string::String,
        ) -> ::std::result::Result<Self, self::error::ConversionError> {
            value.parse()
        }
    }
    ///A user, as admins see it.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct UserAnswer {
        ///Whether the user is an admin.
        pub admin: bool,
        ///When the user registered.
        pub created_at: ::jiff::Timestamp,
        ///The address, as it is kept.
        pub email: ::std::string::String,
        ///The user's id.
        pub id: ::std::string::String,
        ///What the user may do on NATS.
        pub role: ::std::string::String,
        pub standing: Standing,
    }
    ///Users, by id.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug)]
    pub struct UsersAnswer {
        ///The users.
        pub users: ::std::vec::Vec<UserAnswer>,
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone)]
/**Client for Relais

Login for a message-based backend on NATS: register, log in, and connect to the brokers with what the login answers.

An error is a problem (RFC 9457, `application/problem+json`) whose `type` does not change. A method that a path does not know is a 405, with those that it knows in `Allow`; a path that is none, a 404. Bodies are JSON, at most 64 KB, and hold no field that is not here. From a web page: its origin stands in `http.allowed_origins`, or gets a 403.

Version: 0.1.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: super::call::Bearer,
}
impl Client {
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: super::call::Bearer,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }
}
impl ClientInfo<super::call::Bearer> for Client {
    fn api_version() -> &'static str {
        "0.1.0"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &super::call::Bearer {
        &self.inner
    }
}
impl ClientHooks<super::call::Bearer> for &Client {}
#[allow(clippy::all)]
impl Client {
    /**The keys of access tokens

With these others can verify an access token. A key signs for 30 days; the next one is here before it signs.

Sends a `GET` request to `/.well-known/jwks.json`

*/
    pub async fn jwks<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::JwksAnswer>, Error<()>> {
        let url = format!("{}/.well-known/jwks.json", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "jwks",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Become the first admin

With the one-time token that lies in `setup-token` in the data folder. Works once.

Sends a `POST` request to `/admin/claim`

*/
    pub async fn claim<'a>(
        &'a self,
        body: &'a types::ClaimRequest,
    ) -> Result<ResponseValue<types::UserAnswer>, Error<()>> {
        let url = format!("{}/admin/claim", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "claim",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Who did what

Newest first; `before` is the id of the last entry that is known.

Sends a `GET` request to `/audit`

Arguments:
- `before`: The id before which to begin.
- `limit`: How many at most: 1 to 200.
*/
    pub async fn audit<'a>(
        &'a self,
        before: Option<&'a str>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::AuditAnswer>, Error<()>> {
        let url = format!("{}/audit", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("before", &before))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "audit",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Is it up

Answers as long as the process does.

Sends a `GET` request to `/health`

*/
    pub async fn health<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::HealthAnswer>, Error<()>> {
        let url = format!("{}/health", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "health",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Whether this is a URL resolver

nats-server asks this when it starts with `resolver: URL(…/jwt/v1/accounts/)`.

Sends a `GET` request to `/jwt/v1/accounts`

*/
    pub async fn resolver<'a>(&'a self) -> Result<ResponseValue<ByteStream>, Error<()>> {
        let url = format!("{}/jwt/v1/accounts", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.get(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "resolver",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**The JWT of an account, for a broker

Answered to this machine, and to the brokers that `nsc.resolver_brokers` names.

Sends a `GET` request to `/jwt/v1/accounts/{key}`

Arguments:
- `key`: The account's public key (`A…`).
*/
    pub async fn resolve<'a>(
        &'a self,
        key: &'a str,
    ) -> Result<ResponseValue<ByteStream>, Error<()>> {
        let url = format!(
            "{}/jwt/v1/accounts/{}", self.baseurl, encode_path(& key.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.get(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "resolve",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Log in

Makes a device with NATS credentials. Password or mailed code prove who asks; an address that has to be proven first takes
both (403 `unverified` otherwise, and a code is mailed), or a code alone, which displaces whoever only registered the
address. With the `public_key` of a device that the user has already, that device's
credentials are renewed instead.

Sends a `POST` request to `/login`

*/
    pub async fn login<'a>(
        &'a self,
        body: &'a types::LoginRequest,
    ) -> Result<ResponseValue<types::LoginAnswer>, Error<()>> {
        let url = format!("{}/login", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "login",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Ask for a code to log in

Mails a code to the address, if it is a user's; the answer is the same if not. Log in with it: it is good once, for 15
minutes, and proves that the address is yours.

Sends a `POST` request to `/login/code`

*/
    pub async fn send_login_code<'a>(
        &'a self,
        body: &'a types::CodeRequest,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!("{}/login/code", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "send_login_code",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Log out

Removes the device that asks: its key is revoked, and its tokens are worth nothing.

Sends a `POST` request to `/logout`

*/
    pub async fn logout<'a>(&'a self) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!("{}/logout", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.post(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "logout",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Who am I

Sends a `GET` request to `/me`

*/
    pub async fn me<'a>(&'a self) -> Result<ResponseValue<types::MeAnswer>, Error<()>> {
        let url = format!("{}/me", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "me",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Leave

Removes the user who asks: all devices (their keys are revoked), what is stored, the address. It cannot be undone.

Sends a `DELETE` request to `/me`

*/
    pub async fn leave<'a>(&'a self) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!("{}/me", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.delete(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "leave",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**My devices

Sends a `GET` request to `/me/devices`

*/
    pub async fn devices<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::DevicesAnswer>, Error<()>> {
        let url = format!("{}/me/devices", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "devices",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Remove a device

Revokes its key for good: its connections are closed, and no login with that key works again.

Sends a `DELETE` request to `/me/devices/{id}`

Arguments:
- `id`: The device's id.
*/
    pub async fn remove_device<'a>(
        &'a self,
        id: &'a str,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!(
            "{}/me/devices/{}", self.baseurl, encode_path(& id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.delete(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "remove_device",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**An account, with all that it claims

Sends a `GET` request to `/nsc/accounts/{account}`

Arguments:
- `account`: Its name.
*/
    pub async fn describe_account<'a>(
        &'a self,
        account: &'a str,
    ) -> Result<ResponseValue<types::ClaimsAnswer>, Error<()>> {
        let url = format!(
            "{}/nsc/accounts/{}", self.baseurl, encode_path(& account.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "describe_account",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**End the overlap of a rotation

Whom the old keys have signed is not believed any more.

Sends a `POST` request to `/nsc/accounts/{account}/end-rotation`

Arguments:
- `account`: Its name.
*/
    pub async fn end_rotation<'a>(
        &'a self,
        account: &'a str,
    ) -> Result<ResponseValue<types::RotationAnswer>, Error<()>> {
        let url = format!(
            "{}/nsc/accounts/{}/end-rotation", self.baseurl, encode_path(& account
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "end_rotation",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Revoke every user of an account

Every user JWT that was made until now: devices, services, users. Devices log in again; services and users need new creds.

Sends a `POST` request to `/nsc/accounts/{account}/revoke-all`

Arguments:
- `account`: Its name.
*/
    pub async fn revoke_all<'a>(
        &'a self,
        account: &'a str,
    ) -> Result<ResponseValue<types::AccountAnswer>, Error<()>> {
        let url = format!(
            "{}/nsc/accounts/{}/revoke-all", self.baseurl, encode_path(& account
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "revoke_all",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**New signing keys for an account

What the old ones have signed goes on to be believed, until `end-rotation`; with `at_once` nobody whom they signed is
believed any more.

Sends a `POST` request to `/nsc/accounts/{account}/rotate-keys`

Arguments:
- `account`: Its name.
- `body`
*/
    pub async fn rotate_keys<'a>(
        &'a self,
        account: &'a str,
        body: &'a types::RotateRequest,
    ) -> Result<ResponseValue<types::RotationAnswer>, Error<()>> {
        let url = format!(
            "{}/nsc/accounts/{}/rotate-keys", self.baseurl, encode_path(& account
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "rotate_keys",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Operator and accounts

Names and public keys; never a seed.

Sends a `GET` request to `/nsc/info`

*/
    pub async fn nsc_info<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::InfoAnswer>, Error<()>> {
        let url = format!("{}/nsc/info", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "nsc_info",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**A new account

Its users may do what their own lists say; it has no JetStream.

Sends a `POST` request to `/nsc/new-account`

*/
    pub async fn new_account<'a>(
        &'a self,
        body: &'a types::NewAccountRequest,
    ) -> Result<ResponseValue<types::AccountAnswer>, Error<()>> {
        let url = format!("{}/nsc/new-account", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "new_account",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**A new operator with its accounts

The operator of this installation is returned, if it has that account; another one is made beside it, for brokers
elsewhere. Admins may, and who has the set-up token before it is redeemed (as the bearer token).

Sends a `POST` request to `/nsc/new-setup`

*/
    pub async fn new_setup<'a>(
        &'a self,
        body: &'a types::NewSetupRequest,
    ) -> Result<ResponseValue<types::SetupAnswer>, Error<()>> {
        let url = format!("{}/nsc/new-setup", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "new_setup",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**A new user

A long-lived one, with the role `user` unless a role, lists, or the settings say otherwise. Without a `public_key` a pair
is made, whose seed is in this answer and nowhere else.

Sends a `POST` request to `/nsc/new-user`

*/
    pub async fn new_user<'a>(
        &'a self,
        body: &'a types::NewUserRequest,
    ) -> Result<ResponseValue<types::NewUserAnswer>, Error<()>> {
        let url = format!("{}/nsc/new-user", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "new_user",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Hand every account to the brokers now

And say which broker has which version then.

Sends a `POST` request to `/nsc/push`

*/
    pub async fn push<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::PushAnswer>, Error<()>> {
        let url = format!("{}/nsc/push", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "push",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**The users of an account

Long-lived ones; devices are their users' own.

Sends a `GET` request to `/nsc/users`

Arguments:
- `account`: The account's name; without it, the application's.
*/
    pub async fn nsc_users<'a>(
        &'a self,
        account: Option<&'a str>,
    ) -> Result<ResponseValue<types::NscUsersAnswer>, Error<()>> {
        let url = format!("{}/nsc/users", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("account", &account))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "nsc_users",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**A user, with all that it claims

Sends a `GET` request to `/nsc/users/{name}`

Arguments:
- `name`: Its name.
- `account`: The account's name; without it, the application's.
*/
    pub async fn describe_user<'a>(
        &'a self,
        name: &'a str,
        account: Option<&'a str>,
    ) -> Result<ResponseValue<types::NscUserAnswer>, Error<()>> {
        let url = format!(
            "{}/nsc/users/{}", self.baseurl, encode_path(& name.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("account", &account))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "describe_user",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Revoke a user

By its name or its public key, for good: it is cut off from every broker when this is answered.

Sends a `DELETE` request to `/nsc/users/{name}`

Arguments:
- `name`: Its name, or its public key.
- `account`: The account's name; without it, the application's.
*/
    pub async fn revoke_user<'a>(
        &'a self,
        name: &'a str,
        account: Option<&'a str>,
    ) -> Result<ResponseValue<types::RevokedAnswer>, Error<()>> {
        let url = format!(
            "{}/nsc/users/{}", self.baseurl, encode_path(& name.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("account", &account))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "revoke_user",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Other permissions for a user

Its JWT is replaced, and the one before is refused from now on.

Sends a `PATCH` request to `/nsc/users/{name}`

Arguments:
- `name`: Its name.
- `account`: The account's name; without it, the application's.
- `body`
*/
    pub async fn edit_user<'a>(
        &'a self,
        name: &'a str,
        account: Option<&'a str>,
        body: &'a types::PermissionsRequest,
    ) -> Result<ResponseValue<types::NewUserAnswer>, Error<()>> {
        let url = format!(
            "{}/nsc/users/{}", self.baseurl, encode_path(& name.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .query(&progenitor_client::QueryParam::new("account", &account))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "edit_user",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Change the password

Sends a `POST` request to `/password`

*/
    pub async fn change_password<'a>(
        &'a self,
        body: &'a types::PasswordRequest,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!("{}/password", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "change_password",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Ask for a code for another password

As the code to log in, with other words.

Sends a `POST` request to `/password/reset`

*/
    pub async fn send_reset_code<'a>(
        &'a self,
        body: &'a types::CodeRequest,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!("{}/password/reset", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "send_reset_code",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            202u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Replace a forgotten password

Takes a code that was mailed. All devices of the user are removed: somebody else may have known the old password.

Sends a `POST` request to `/password/reset/confirm`

*/
    pub async fn reset_password<'a>(
        &'a self,
        body: &'a types::ResetRequest,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!("{}/password/reset/confirm", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "reset_password",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Is it ready

Answers 200 when the database and the brokers do.

Sends a `GET` request to `/ready`

*/
    pub async fn ready<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::HealthAnswer>, Error<()>> {
        let url = format!("{}/ready", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "ready",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Register

Saves an email address and a password. Log in with them to get credentials. Where addresses are verified, a code is mailed,
and the first login takes that too.

Sends a `POST` request to `/register`

*/
    pub async fn register<'a>(
        &'a self,
        body: &'a types::RegisterRequest,
    ) -> Result<ResponseValue<types::RegisterAnswer>, Error<()>> {
        let url = format!("{}/register", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "register",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            201u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Go on

Renews the NATS credentials of a device and the access token, without a password. The refresh token is good once: the answer
has the next one. Who has lost the answer may repeat the request within a minute, and gets the same. A token that is used
later ends the session, and the device's key is revoked: somebody has a copy.

Sends a `POST` request to `/token`

*/
    pub async fn refresh<'a>(
        &'a self,
        body: &'a types::RefreshRequest,
    ) -> Result<ResponseValue<types::LoginAnswer>, Error<()>> {
        let url = format!("{}/token", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "refresh",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Users

Sends a `GET` request to `/users`

Arguments:
- `after`: The id behind which to begin.
- `email`: A part of the email address.
- `limit`: How many at most: 1 to 200.
*/
    pub async fn users<'a>(
        &'a self,
        after: Option<&'a str>,
        email: Option<&'a str>,
        limit: Option<u32>,
    ) -> Result<ResponseValue<types::UsersAnswer>, Error<()>> {
        let url = format!("{}/users", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("after", &after))
            .query(&progenitor_client::QueryParam::new("email", &email))
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "users",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Remove a user

All devices (their keys are revoked), what is stored, the address. It cannot be undone.

Sends a `DELETE` request to `/users/{id}`

Arguments:
- `id`: The user's id.
*/
    pub async fn delete_user<'a>(
        &'a self,
        id: &'a str,
    ) -> Result<ResponseValue<()>, Error<()>> {
        let url = format!("{}/users/{}", self.baseurl, encode_path(& id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.delete(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "delete_user",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            204u16 => Ok(ResponseValue::empty(response)),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Change a user

Another role is what the user's devices get from their next login on.

Sends a `PATCH` request to `/users/{id}`

Arguments:
- `id`: The user's id.
- `body`
*/
    pub async fn change_user<'a>(
        &'a self,
        id: &'a str,
        body: &'a types::ChangeUserRequest,
    ) -> Result<ResponseValue<types::UserAnswer>, Error<()>> {
        let url = format!("{}/users/{}", self.baseurl, encode_path(& id.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .patch(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "change_user",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
