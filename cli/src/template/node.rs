//! A value in a template with its path. Errors of its readers name the path.

use std::borrow::Cow;

use serde_json::Value;

use super::{TemplateError, scope::Scope};

/// A value of the template with its path.
#[derive(Clone)]
pub(super) struct Node<'a> {
    scope: &'a Scope<'a>,
    value: Cow<'a, Value>,
    place: String,
}

impl<'a> Node<'a> {
    pub(super) fn new(scope: &'a Scope<'a>, value: &'a Value, place: impl Into<String>) -> Self {
        Self { scope, value: Cow::Borrowed(value), place: place.into() }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// "`place`: expected `expected`, found …".
    pub(super) fn unexpected(&self, expected: impl Into<String>) -> TemplateError {
        TemplateError::unexpected(self.place.as_str(), expected, &self.value)
    }

    /// The value of `key`. `None` if this isn't a mapping, or if the value is null or `AWS::NoValue`.
    pub(super) fn get(&self, key: &str) -> Result<Option<Self>, TemplateError> {
        let place = format!("{}.{key}", self.place);
        match &self.value {
            Cow::Borrowed(value) => value.get(key).map_or(Ok(None), |child| self.child(Cow::Borrowed(child), place)),
            Cow::Owned(value) => value.get(key).map_or(Ok(None), |child| self.child(Cow::Owned(child.clone()), place)),
        }
    }

    /// Whether `key` is present, even with `AWS::NoValue`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some()
    }

    /// The value at the path `keys`.
    pub(super) fn at(&self, keys: &[&str]) -> Result<Option<Self>, TemplateError> {
        keys.iter().try_fold(Some(self.clone()), |node, key| match node {
            Some(node) => node.get(key),
            None => Ok(None),
        })
    }

    /// The value of `key`, which must be present.
    pub(super) fn required(&self, key: &str) -> Result<Self, TemplateError> {
        self.get(key)?.ok_or_else(|| TemplateError::unexpected(format!("{}.{key}", self.place), "a value", &Value::Null))
    }

    /// The members of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, TemplateError> {
        let items = self.value.as_array().ok_or_else(|| self.unexpected("a list"))?;
        let children =
            items.iter().enumerate().map(|(index, item)| self.child(Cow::Owned(item.clone()), format!("{}[{index}]", self.place)));
        children.filter_map(Result::transpose).collect()
    }

    /// The entries of a mapping.
    pub(super) fn entries(&self) -> Result<Vec<(String, Self)>, TemplateError> {
        let entries = self.value.as_object().ok_or_else(|| self.unexpected("a mapping"))?;
        let mut children = Vec::new();
        for key in entries.keys() {
            if let Some(child) = self.get(key)? {
                children.push((key.clone(), child));
            }
        }
        Ok(children)
    }

    /// The whole value, with every intrinsic evaluated.
    pub(super) fn evaluated(&self) -> Result<Value, TemplateError> {
        Ok(match &*self.value {
            Value::Object(_) => {
                let entries = self.entries()?.into_iter().map(|(key, node)| Ok((key, node.evaluated()?)));
                Value::Object(entries.collect::<Result<_, TemplateError>>()?)
            }
            Value::Array(_) => Value::Array(self.items()?.iter().map(Self::evaluated).collect::<Result<_, _>>()?),
            scalar => scalar.clone(),
        })
    }

    pub(super) fn text(&self) -> Result<String, TemplateError> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.unexpected("text"))
    }

    pub(super) fn is_text(&self) -> bool {
        self.value.is_string()
    }

    pub(super) fn number<N: std::str::FromStr>(&self) -> Result<N, TemplateError> {
        self.text()?.parse().map_err(|_| self.unexpected("a whole number"))
    }

    pub(super) fn boolean(&self) -> Result<bool, TemplateError> {
        self.text()?.parse().map_err(|_| self.unexpected("true or false"))
    }

    /// A static value of API Gateway's parameter mapping: `'text'`, without its quotes.
    ///
    /// # Errors
    /// For any other mapping expression (`method.request…`, `context…`), because the local gateway doesn't evaluate these.
    pub(super) fn quoted(&self) -> Result<String, TemplateError> {
        let text = self.text()?;
        let inner = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        inner.map(str::to_owned).ok_or_else(|| self.unexpected("a static value in single quotes: \"'value'\""))
    }

    fn child(&self, value: Cow<'a, Value>, place: String) -> Result<Option<Self>, TemplateError> {
        let resolved = match value {
            Cow::Borrowed(value) => self.scope.resolve(value, &place)?,
            Cow::Owned(value) => self.scope.resolve(&value, &place)?.map(|found| Cow::Owned(found.into_owned())),
        };
        Ok(resolved.map(|value| Self { scope: self.scope, value, place }))
    }
}
