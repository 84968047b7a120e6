//! Reading values from the tokens of a subject, by serde.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};

/// A token that is not what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TokenError(String);

impl de::Error for TokenError {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self(words.to_string())
    }
}

/// What a type wants of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// So many wildcards, from the left.
    Count(usize),
    /// These, by name.
    Names(&'static [&'static str]),
    /// Whatever there is.
    Any,
}

/// All captures, of which the first `caller` are left out where they are counted.
pub(super) struct Captures<'a> {
    pub(super) all: &'a [(&'a str, &'a str)],
    pub(super) caller: usize,
}

/// One token and its name.
#[derive(Clone, Copy)]
struct Token<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> Captures<'a> {
    fn counted(&self) -> impl ExactSizeIterator<Item = Token<'a>> {
        self.all[self.caller..].iter().map(|(name, text)| Token { name, text })
    }

    fn only(&self) -> Result<Token<'a>, TokenError> {
        let mut tokens = self.counted();
        match (tokens.next(), tokens.next()) {
            (Some(token), None) => Ok(token),
            _ => Err(TokenError("the pattern does not name exactly one token".to_owned())),
        }
    }
}

macro_rules! to_the_only_token {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
            self.only()?.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Captures<'de> {
    type Error = TokenError;

    to_the_only_token! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_any deserialize_option deserialize_identifier
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_unit()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_seq(SeqDeserializer::new(self.counted()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, TokenError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        let pairs = self.all.iter().map(|(name, text)| (*name, Token { name, text }));
        visitor.visit_map(MapDeserializer::new(pairs))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        self.deserialize_map(visitor)
    }
}

impl<'de> IntoDeserializer<'de, TokenError> for Token<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
            let value = self.text.parse().map_err(|_| self.is_no($what))?;
            visitor.$visit(value)
        })*
    };
}

impl Token<'_> {
    fn is_no(self, what: &str) -> TokenError {
        let shown: String = self.text.chars().take(40).collect();
        TokenError(format!("{} is {shown}, which is no {what}", self.name))
    }
}

impl<'de> Deserializer<'de> for Token<'de> {
    type Error = TokenError;

    parsed! {
        deserialize_bool visit_bool "true or false"
        deserialize_i8 visit_i8 "number from -128 to 127"
        deserialize_i16 visit_i16 "number of 16 bits"
        deserialize_i32 visit_i32 "number of 32 bits"
        deserialize_i64 visit_i64 "number of 64 bits"
        deserialize_i128 visit_i128 "number of 128 bits"
        deserialize_u8 visit_u8 "number from 0 to 255"
        deserialize_u16 visit_u16 "number from 0 to 65535"
        deserialize_u32 visit_u32 "number from 0 to 4294967295"
        deserialize_u64 visit_u64 "number of 64 bits without a sign"
        deserialize_u128 visit_u128 "number of 128 bits without a sign"
        deserialize_f32 visit_f32 "number"
        deserialize_f64 visit_f64 "number"
        deserialize_char visit_char "single character"
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        let named = |error: TokenError| TokenError(format!("{}: {error}", self.name));
        visitor.visit_borrowed_str(self.text).map_err(named)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        if !variants.contains(&self.text) {
            return Err(self.is_no(&variants.join(", ")));
        }
        visitor.visit_enum(Variant(self.text))
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Variant<'a>(&'a str);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = TokenError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), TokenError> {
        let name: StrDeserializer<'_, TokenError> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = TokenError;

    fn unit_variant(self) -> Result<(), TokenError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, TokenError> {
        Err(TokenError("a token cannot hold more than the variant's name".to_owned()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, TokenError> {
        Err(TokenError("a token cannot hold more than the variant's name".to_owned()))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, TokenError> {
        Err(TokenError("a token cannot hold more than the variant's name".to_owned()))
    }
}

/// What a type wants, found out by letting it ask once.
pub(super) fn needs<T: for<'de> Deserialize<'de>>() -> Need {
    let mut need = Need::Count(1);
    // It always fails: that is how far one lets it go.
    let _ = T::deserialize(Probe(&mut need));
    need
}

struct Probe<'a>(&'a mut Need);

impl Probe<'_> {
    fn found(self, need: Need) -> TokenError {
        *self.0 = need;
        TokenError(String::new())
    }
}

macro_rules! one {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, TokenError> {
            Err(self.found(Need::Count(1)))
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = TokenError;

    one! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_any deserialize_option deserialize_identifier
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Count(1)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TokenError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Any))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Any))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Any))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Any))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, _: V) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Count(length)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        _: V,
    ) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Count(length)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Any))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, TokenError> {
        Err(self.found(Need::Names(fields)))
    }
}
