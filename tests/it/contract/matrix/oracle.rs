//! The table of DESIGN §4 and docs/security.md once more, written by hand: what the broker must say.
//!
//! Nothing here looks at the lists that are signed into JWTs, nor at how subjects are compared elsewhere. A rule is a
//! pattern over the tokens of a subject. Where a subscription has `*` or `>` in a place, the pattern must have room for
//! any token there (`_` or `..`): a name does not cover a wildcard.
//!
//! One thing the broker does differently from what its documentation says, and so does this: it compares the `>` at the
//! end of a subscription like any token, so an entry that ends in `.*` lets somebody listen to `.>` there. Nobody may
//! *publish* deeper under such an entry of ours (`topic.T.*`, `$SRV.VERB.S.*`).

/// Somebody with credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    User(&'static str),
    /// The application server or another service, in the application's account.
    Service(&'static str),
    /// A service in an account of its own.
    Apart(&'static str),
    Provisioner,
    Issuer,
    Operator(&'static str),
}

/// The accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    App,
    Lab,
    Ops,
    Sys,
}

pub(super) const EVERYBODY: [Who; 10] = [
    Who::User("ada"),
    Who::User("bob"),
    Who::User("01jd4xk0v8q7r4s1m2n3p5t6w9"),
    Who::Service("relais"),
    Who::Service("shop"),
    Who::Apart("lab"),
    Who::Issuer,
    Who::Operator("nina"),
    Who::Operator("otto"),
    // Last, since it may do harm to what others are tried on.
    Who::Provisioner,
];

/// The topics that users hear.
pub(super) const TOPICS: [&str; 2] = ["news", "weather"];

/// The routes of each service, as filters.
pub(super) fn routes(service: &str) -> &'static [&'static str] {
    match service {
        "relais" => &["from.*.echo", "from.*.echo.identified", "from.*.tell.>"],
        "shop" => &["from.*.shop.>", "from.*.pay", "from.*.item.*"],
        _ => &["from.*.lab.>", "from.*.quote"],
    }
}

/// The same, as rules over what follows the user.
fn is_route(service: &str, rest: &[&str]) -> bool {
    match service {
        "relais" => matches!(rest, ["echo"] | ["echo", "identified"] | ["tell", _, ..]),
        "shop" => matches!(rest, ["shop", _, ..] | ["pay"] | ["item", _]),
        _ => matches!(rest, ["lab", _, ..] | ["quote"]),
    }
}

pub(super) fn tokens(subject: &str) -> Vec<&str> {
    subject.split('.').collect()
}

impl Who {
    /// Where it lives.
    pub(super) fn place(self) -> Place {
        match self {
            Self::User(_) | Self::Service(_) | Self::Provisioner => Place::App,
            Self::Apart(_) => Place::Lab,
            Self::Issuer => Place::Sys,
            Self::Operator(_) => Place::Ops,
        }
    }

    /// Whether the broker takes a message on this subject, which is taken as it is: a `*` in it is a letter.
    pub(super) fn publishes(self, subject: &str) -> bool {
        let subject = tokens(subject);
        match self {
            Self::User(own) => matches!(subject[..], ["from", user, _, ..] if user == own),
            Self::Service(own) | Self::Apart(own) => service_publishes(own, &subject),
            Self::Provisioner => matches!(subject[..], ["$JS", "API", _, ..]),
            Self::Issuer => matches!(
                subject[..],
                ["$SYS", "REQ", "CLAIMS", "UPDATE"]
                    | ["$SYS", "REQ", "SERVER", _, "KICK"]
                    | ["$SYS", "REQ", "ACCOUNT", _, "CLAIMS", "LOOKUP"]
                    | ["$SYS", "REQ", "ACCOUNT", _, "INFO"]
                    | ["$SYS", "REQ", "SERVER", "PING", "STATSZ"]
            ),
            Self::Operator(_) => matches!(
                subject[..],
                ["$SRV", "PING" | "INFO" | "STATS", ..]
                    | ["$JS", "API", "INFO"]
                    | ["$JS", "API", "STREAM", "NAMES" | "LIST"]
                    | ["$JS", "API", "STREAM", "INFO", _]
                    | ["$JS", "API", "CONSUMER", "NAMES" | "LIST", _]
                    | ["$JS", "API", "CONSUMER", "INFO", _, _]
            ),
        }
    }

    /// Whether the broker takes a subscription, alone or in a queue group.
    pub(super) fn listens(self, filter: &str, queue: Option<&str>) -> bool {
        let filter = tokens(filter);
        match self {
            Self::User(own) => match filter[..] {
                ["to" | "_INBOX", user, _, ..] => user == own,
                ["topic", topic, _] => TOPICS.contains(&topic),
                _ => false,
            },
            Self::Service(own) | Self::Apart(own) => match filter[..] {
                ["from", user, ref rest @ ..] if user != ">" => is_route(own, rest) && queue == Some(own),
                ["$SRV", "PING" | "INFO" | "STATS"] => true,
                ["$SRV", "PING" | "INFO" | "STATS", service] | ["$SRV", "PING" | "INFO" | "STATS", service, _] => {
                    service == own
                }
                ["_SVC", service, _, ..] => service == own,
                _ => false,
            },
            Self::Provisioner => matches!(filter[..], ["_INBOX", "prov", _, ..]),
            Self::Issuer => matches!(filter[..], ["_INBOX", "iss", _, ..]),
            Self::Operator(own) => {
                matches!(filter[..], ["_INBOX", person, _, ..] if person.strip_prefix("op-") == Some(own))
            }
        }
    }

    /// The accounts where a message that the broker has taken is heard.
    pub(super) fn reaches(self, subject: &str) -> Vec<Place> {
        let subject = tokens(subject);
        let application = match self {
            Self::Apart(_) => matches!(subject[..], ["to" | "out", _, ..] | ["topic", _, _] | ["_INBOX", _, _, ..]),
            // It publishes nothing but what is imported.
            Self::Operator(_) => true,
            _ => false,
        };
        let lab = matches!(self, Self::User(_)) && is_route("lab", &subject[2..]);
        // JetStream's API is served in the system account, but for what streams and consumers answer themselves.
        let system = match subject[..] {
            ["$JS", "API", "DIRECT", "GET", ..] | ["$JS", "API", "CONSUMER", "MSG", "NEXT", ..] => false,
            ["$JS", "API", ..] => true,
            _ => false,
        };
        let further = [(Place::App, application), (Place::Lab, lab), (Place::Sys, system)];
        let mut all = vec![self.place()];
        all.extend(further.into_iter().filter(|(_, crosses)| *crosses).map(|(place, _)| place));
        all
    }

    /// Whether a message in the application's account is heard by somebody who listens to it here.
    pub(super) fn hears_application(self, subject: &str) -> bool {
        match (self, &tokens(subject)[..]) {
            (Self::Apart(own), ["from", _, rest @ ..]) => is_route(own, rest),
            (Self::Apart(_), _) => false,
            _ => self.place() == Place::App,
        }
    }

    /// Whether JetStream's answer to something that it may ask can be delivered in the application's account wherever it
    /// wishes. Services of one account, and the provisioner, are trusted with that; nobody else can have it.
    pub(super) fn aims(self) -> bool {
        matches!(self, Self::Service(_) | Self::Provisioner)
    }

    /// One subject or more of every entry of its row: what it must be able to publish to.
    pub(super) fn speaks(self) -> Vec<String> {
        let own = match self {
            Self::User(own) => {
                return ["x", "echo", "shop.new", "$JS.API.INFO"].map(|s| format!("from.{own}.{s}")).into();
            }
            Self::Provisioner => {
                return text(&["$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.CONSUMER.CREATE.IN_shop.c"]);
            }
            Self::Issuer => {
                return text(&[
                    "$SYS.REQ.CLAIMS.UPDATE",
                    "$SYS.REQ.SERVER.NID.KICK",
                    "$SYS.REQ.ACCOUNT.AID.CLAIMS.LOOKUP",
                    "$SYS.REQ.ACCOUNT.AID.INFO",
                    "$SYS.REQ.SERVER.PING.STATSZ",
                ]);
            }
            Self::Operator(_) => {
                return text(&[
                    "$SRV.PING",
                    "$SRV.INFO.relais",
                    "$SRV.STATS.relais.id",
                    "$JS.API.INFO",
                    "$JS.API.STREAM.NAMES",
                    "$JS.API.STREAM.LIST",
                    "$JS.API.STREAM.INFO.OUT",
                    "$JS.API.CONSUMER.NAMES.OUT",
                    "$JS.API.CONSUMER.LIST.OUT",
                    "$JS.API.CONSUMER.INFO.OUT.c",
                ]);
            }
            Self::Service(own) | Self::Apart(own) => own,
        };
        let mut all = text(&["to.ada.x", "out.ada.x", "topic.news.ada", "_INBOX.ada.x.1", "_R_.x"]);
        all.extend(
            ["in.@.0.ada.x", "dead.@.x", "$KV.@_cache.k", "$JS.ACK.IN_@.c.1.1.1.1.1"].map(|s| s.replace('@', own)),
        );
        let api = [
            "STREAM.INFO.IN_@",
            "STREAM.INFO.DEAD_@",
            "STREAM.INFO.KV_@_cache",
            "CONSUMER.INFO.IN_@.c",
            "CONSUMER.INFO.DEAD_@.c",
            "CONSUMER.MSG.NEXT.IN_@.c",
            "DIRECT.GET.KV_@_cache",
            "DIRECT.GET.KV_@_cache.$KV.@_cache.k",
        ];
        all.extend(api.map(|api| format!("$JS.API.{}", api.replace('@', own))));
        if own == "relais" {
            let out = ["STREAM.INFO.OUT", "STREAM.MSG.GET.OUT", "DIRECT.GET.OUT", "DIRECT.GET.OUT.out.ada.x"];
            all.extend(out.map(|api| format!("$JS.API.{api}")));
        }
        all
    }

    /// What it must be able to listen to.
    pub(super) fn hears(self) -> Vec<String> {
        let with = |all: &[&str], own: &str| all.iter().map(|one| one.replace('@', own)).collect();
        match self {
            Self::User(own) => {
                with(&["to.@.>", "to.@.x", "_INBOX.@.>", "_INBOX.@.x.*", "topic.news.*", "topic.news.bob"], own)
            }
            Self::Service(own) | Self::Apart(own) => {
                let mut all: Vec<String> =
                    with(&["$SRV.PING", "$SRV.INFO.@", "$SRV.STATS.@.*", "_SVC.@.>", "_SVC.@.x"], own);
                all.extend(text(routes(own)));
                all
            }
            Self::Provisioner => text(&["_INBOX.prov.>", "_INBOX.prov.x.1"]),
            Self::Issuer => text(&["_INBOX.iss.>", "_INBOX.iss.x.1"]),
            Self::Operator(own) => with(&["_INBOX.op-@.>", "_INBOX.op-@.x.1"], own),
        }
    }

    /// A reply subject of its own.
    pub(super) fn inbox(self) -> String {
        match self {
            Self::User(own) => format!("_INBOX.{own}.own"),
            Self::Service(own) | Self::Apart(own) => format!("_SVC.{own}.own"),
            Self::Provisioner => "_INBOX.prov.own".to_owned(),
            Self::Issuer => "_INBOX.iss.own".to_owned(),
            Self::Operator(own) => format!("_INBOX.op-{own}.own"),
        }
    }
}

fn service_publishes(own: &str, subject: &[&str]) -> bool {
    let (inbound, dead, cache) = (format!("IN_{own}"), format!("DEAD_{own}"), format!("{own}_cache"));
    let bucket = format!("KV_{cache}");
    let reads_out = |stream: &str| own == "relais" && stream == "OUT";
    match *subject {
        ["to" | "out" | "_R_", _, ..] | ["topic", _, _] | ["_INBOX", _, _, ..] => true,
        ["in" | "dead", service, _, ..] => service == own,
        ["$KV", name, _, ..] => name == cache,
        ["$JS", "ACK", stream, _, ..] => stream == inbound,
        ["$JS", "API", "STREAM", "INFO", stream] => {
            stream == inbound || stream == dead || stream == bucket || reads_out(stream)
        }
        ["$JS", "API", "CONSUMER", "INFO", stream, _] => stream == inbound || stream == dead,
        ["$JS", "API", "CONSUMER", "MSG", "NEXT", stream, _] => stream == inbound,
        ["$JS", "API", "STREAM", "MSG", "GET", stream] => reads_out(stream),
        ["$JS", "API", "DIRECT", "GET", stream, ..] => stream == bucket || reads_out(stream),
        _ => false,
    }
}

fn text(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}
