//! The subjects that everybody is tried on: lists, and what chance makes of them.

use super::oracle::{EVERYBODY, Who, tokens};

/// Numbers by chance, the same for the same seed (SplitMix64).
pub(super) struct Chance(pub(super) u64);

/// Every verb of JetStream's API that nats-server 2.15 knows (`jetstream_api.go`), with `@` for a stream.
const API: [&str; 47] = [
    "INFO",
    "STREAM.CREATE.@",
    "STREAM.UPDATE.@",
    "STREAM.NAMES",
    "STREAM.LIST",
    "STREAM.INFO.@",
    "STREAM.DELETE.@",
    "STREAM.PURGE.@",
    "STREAM.SNAPSHOT.@",
    "STREAM.RESTORE.@",
    "STREAM.MSG.DELETE.@",
    "STREAM.MSG.GET.@",
    "STREAM.PEER.REMOVE.@",
    "STREAM.PEER.EVACUATE.@",
    "STREAM.CANCEL_MOVE.@",
    "STREAM.LEADER.STEPDOWN.@",
    "DIRECT.GET.@",
    "DIRECT.GET.@.out.ada.x",
    "DIRECT.GET.@.$KV.relais_cache.k",
    "CONSUMER.CREATE.@",
    "CONSUMER.CREATE.@.c",
    "CONSUMER.CREATE.@.c.in.x",
    "CONSUMER.DURABLE.CREATE.@.c",
    "CONSUMER.NAMES.@",
    "CONSUMER.LIST.@",
    "CONSUMER.INFO.@.c",
    "CONSUMER.DELETE.@.c",
    "CONSUMER.PAUSE.@.c",
    "CONSUMER.RESET.@.c",
    "CONSUMER.UNPIN.@.c",
    "CONSUMER.MSG.NEXT.@.c",
    "CONSUMER.LEADER.STEPDOWN.@.c",
    "CONSUMER.PEER.REMOVE.@.c",
    "CONSUMER.PEER.EVACUATE.@.c",
    "META.LEADER.STEPDOWN",
    "META.RESCUE",
    "SERVER.REMOVE",
    "SERVER.EVACUATE",
    "ACCOUNT.PURGE.@",
    "ACCOUNT.STREAM.MOVE.@.x",
    "ACCOUNT.STREAM.CANCEL_MOVE.@.x",
    // Of none that it knows.
    "@",
    "STREAM.@",
    "STREAM.INFO.@.x",
    "DIRECT.@",
    "CONSUMER.MSG.NEXT.@",
    "CONSUMER.INFO.@",
];

const STREAMS: [&str; 13] = [
    "OUT",
    "IN_relais",
    "DEAD_relais",
    "KV_relais_cache",
    "IN_shop",
    "DEAD_shop",
    "KV_shop_cache",
    "IN_lab",
    "DEAD_lab",
    "KV_lab_cache",
    "OTHER",
    "*",
    "IN_relais2",
];

/// What the system account knows (`events.go`), and what an account may ask of it by itself.
const SYSTEM: [&str; 44] = [
    "REQ.CLAIMS.UPDATE",
    "REQ.CLAIMS.DELETE",
    "REQ.CLAIMS.LIST",
    "REQ.CLAIMS.PACK",
    "REQ.CLAIMS",
    "REQ.CLAIMS.UPDATE.x",
    "REQ.USER.INFO",
    "REQ.USER.AUTH",
    "REQ.USER.UID.INFO",
    "REQ.SERVER.PING",
    "REQ.SERVER.PING.IDZ",
    "REQ.SERVER.PING.STATSZ",
    "REQ.SERVER.PING.VARZ",
    "REQ.SERVER.PING.SUBSZ",
    "REQ.SERVER.PING.CONNZ",
    "REQ.SERVER.PING.JSZ",
    "REQ.SERVER.PING.ACCOUNTZ",
    "REQ.SERVER.PING.PROFILEZ",
    "REQ.SERVER.PING.RAFTZ",
    "REQ.SERVER.NID.KICK",
    "REQ.SERVER.NID.KICK.x",
    "REQ.SERVER.NID.LDM",
    "REQ.SERVER.NID.RELOAD",
    "REQ.SERVER.NID.STATSZ",
    "REQ.SERVER.NID.VARZ",
    "REQ.SERVER.*.KICK",
    "REQ.ACCOUNT.AID.CLAIMS.LOOKUP",
    "REQ.ACCOUNT.AID.CLAIMS.UPDATE",
    "REQ.ACCOUNT.AID.CLAIMS",
    "REQ.ACCOUNT.AID.CONNZ",
    "REQ.ACCOUNT.AID.SUBSZ",
    "REQ.ACCOUNT.AID.LEAFZ",
    "REQ.ACCOUNT.AID.JSZ",
    "REQ.ACCOUNT.AID.INFO",
    "REQ.ACCOUNT.AID.STATZ",
    "REQ.ACCOUNT.PING.CONNZ",
    "REQ.ACCOUNT.PING.STATZ",
    "REQ.ACCOUNT.NSUBS",
    "ACCOUNT.AID.CONNECT",
    "ACCOUNT.AID.DISCONNECT",
    "ACCOUNT.AID.CLAIMS.UPDATE",
    "SERVER.NID.STATSZ",
    "DEBUG.SUBSCRIBERS",
    "_INBOX.x",
];

/// Others, with `@` for each name.
const NAMED: [&str; 33] = [
    "from.@",
    "from.@.x",
    "from.@.echo",
    "from.@.pay",
    "from.@.tell.bob.x",
    "from.@.answer.t",
    "to.@",
    "to.@.x",
    "to.@.from.bob.x",
    "to.@.>",
    "out.@",
    "out.@.x",
    "in.@",
    "in.@.x",
    "in.@.0.ada.x",
    "dead.@.x",
    "topic.@",
    "topic.@.ada",
    "topic.@.ada.x",
    "topic.@.*",
    "_INBOX.@",
    "_INBOX.@.x",
    "_INBOX.@.>",
    "_SVC.@",
    "_SVC.@.x",
    "_R_.@",
    "$KV.@.k",
    "$KV.@_cache.k",
    "$O.@.C.x",
    "$SRV.PING.@",
    "$SRV.INFO.@.x",
    "$SRV.STATS.@.x.y",
    "$JS.ACK.IN_@.c.1.1.1.1.1",
];

const NAMES: [&str; 14] = [
    "ada", "bob", "ada-2", "ADA", "relais", "shop", "lab", "relais2", "news", "prov", "iss", "op-nina", "*", "svc-shop",
];

const ODD: [&str; 40] = [
    "from",
    "from.>",
    "from.*.>",
    "from.*.echo",
    "from.*.echo.identified",
    "from.*.shop.>",
    "from.*.shop",
    "from.*.pay",
    "from.*.item.>",
    "from.*.item.*",
    "from.*.lab.>",
    "from.*.*",
    "to.>",
    "to.*.>",
    "out.>",
    "in.>",
    "dead.>",
    "topic.>",
    "topic.*.*",
    "_INBOX.>",
    "_INBOX.*.>",
    "_SVC.>",
    "_R_.>",
    "$JS.>",
    "$JS.API.>",
    "$JS.EVENT.ADVISORY.>",
    "$JS.EVENT.METRIC.CONSUMER.ACK.OUT.c",
    "$JS.FC.IN_relais.c.x",
    "$JS.SNAPSHOT.ACK.OUT.x",
    "$JS.hub.API.INFO",
    "$KV.>",
    "$SYS.>",
    "$SRV.>",
    "$NRG.x",
    "$MQTT.sub.x",
    "_GR_.x.y.z",
    "$GR.x.y.z",
    ">",
    "*",
    "*.*.*",
];

/// What chance makes subjects of.
const TOKENS: [&str; 36] = [
    "from", "to", "out", "in", "dead", "topic", "_INBOX", "_SVC", "_R_", "$JS", "API", "ACK", "$KV", "$O", "$SYS",
    "REQ", "$SRV", "PING", "INFO", "STREAM", "CONSUMER", "MSG", "NEXT", "DIRECT", "GET", "OUT", "ada", "bob", "relais",
    "shop", "lab", "news", "echo", "x", "*", "FROM",
];

impl Chance {
    /// Less than `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// A subject of one to seven tokens.
    fn subject(&mut self) -> String {
        let length = 1 + self.below(7);
        let mut made: Vec<&str> = (0..length).map(|_| self.one_of(&TOKENS)).collect();
        if self.below(6) == 0 {
            made.push(">");
        }
        made.join(".")
    }

    /// A subject with one thing changed.
    fn changed(&mut self, subject: &str) -> String {
        let mut parts: Vec<String> = tokens(subject).into_iter().filter(|t| *t != ">").map(str::to_owned).collect();
        let at = self.below(parts.len());
        match self.below(8) {
            0 if parts.len() > 1 => drop(parts.remove(at)),
            1 => parts.insert(at, self.one_of(&TOKENS).to_owned()),
            2 => parts.push(self.one_of(&TOKENS).to_owned()),
            3 => parts[at] = parts[at].to_lowercase(),
            4 => parts[at] = "*".to_owned(),
            5 => parts[at].push('x'),
            6 => parts.push(">".to_owned()),
            _ => parts[at] = self.one_of(&NAMES).to_owned(),
        }
        parts.join(".")
    }
}

/// What everybody is tried on.
pub(super) fn listed() -> Vec<String> {
    let each = |pattern: &str, names: &[&str]| -> Vec<String> {
        if pattern.contains('@') {
            names.iter().map(|name| pattern.replace('@', name)).collect()
        } else {
            vec![pattern.to_owned()]
        }
    };
    let mut all: Vec<String> = API.iter().flat_map(|verb| each(&format!("$JS.API.{verb}"), &STREAMS)).collect();
    all.extend(SYSTEM.iter().map(|subject| format!("$SYS.{subject}")));
    all.extend(NAMED.iter().flat_map(|pattern| each(pattern, &NAMES)));
    all.extend(ODD.map(str::to_owned));
    for who in EVERYBODY {
        all.extend(who.speaks());
        all.extend(who.hears());
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What one is tried on beside that: near what it may do, and anything.
pub(super) fn near(who: Who, chance: &mut Chance) -> Vec<String> {
    let mut own = who.speaks();
    own.extend(who.hears());
    let mut all: Vec<String> = (0..60).map(|_| chance.subject()).collect();
    for _ in 0..240 {
        let from = own[chance.below(own.len())].clone();
        let mut made = chance.changed(&from);
        if chance.below(3) == 0 {
            made = chance.changed(&made);
        }
        all.push(made);
    }
    all
}
