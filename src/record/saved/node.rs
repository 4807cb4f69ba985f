//! A place in a saved document, which may not be there.

use serde::Deserialize;
use serde_json::Value;

/// A value of a document, or none: what is looked up in nothing is nothing.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a>(Option<&'a Value>);

impl<'a> Node<'a> {
    /// A value; null is none.
    pub fn of(value: &'a Value) -> Self {
        Self(Some(value).filter(|value| !value.is_null()))
    }

    /// The value at a path of keys with dots between them.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        let mut at = self.0;
        for key in path.split('.') {
            at = at.and_then(|value| value.get(key));
        }
        Self(at.filter(|value| !value.is_null()))
    }

    /// Whether there is something, and not null.
    pub fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// The value itself.
    pub fn value(self) -> Option<&'a Value> {
        self.0
    }

    /// A whole number that is not negative.
    pub fn u64(self) -> Option<u64> {
        self.0.and_then(Value::as_u64)
    }

    /// Any number.
    pub fn f64(self) -> Option<f64> {
        self.0.and_then(Value::as_f64)
    }

    /// Whether it is `true`.
    pub fn is_true(self) -> bool {
        self.0.and_then(Value::as_bool) == Some(true)
    }

    /// A text.
    pub fn text(self) -> Option<&'a str> {
        self.0.and_then(Value::as_str)
    }

    /// The elements of a list; none of anything else.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        self.0.and_then(Value::as_array).into_iter().flatten().map(Node::of)
    }

    /// The entries of an object, in its order.
    pub fn entries(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let object = self.0.and_then(Value::as_object);
        object.into_iter().flatten().map(|(key, value)| (key.as_str(), Node::of(value)))
    }

    /// What can be read from it by a type of its own.
    pub fn read<T: Deserialize<'a>>(self) -> Option<T> {
        self.0.and_then(|value| T::deserialize(value).ok())
    }

    /// Whether it is a statement, `{code, …, text}`.
    pub fn is_statement(self) -> bool {
        self.at("code").text().is_some() && self.at("text").text().is_some()
    }
}
