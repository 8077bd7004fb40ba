//! A CloudFormation document as JSON. `!Short` intrinsics get their `Fn::Long` form.
//!
//! Scalars stay text. CloudFormation decides by the property, and not by YAML's rules, what a scalar is
//! (`012345` is an account number, `1.0` a version), so the readers in [`super::node`] parse text where they need a
//! number or a boolean.

use saphyr::{ScalarStyle, Tag, Yaml, YamlLoader};
use saphyr_parser::Parser;
use serde_json::{Map, Value};

use super::TemplateError;

/// Reads the one document in `text`.
pub(super) fn read(text: &str) -> Result<Value, TemplateError> {
    let mut loader = YamlLoader::<Yaml<'_>>::default();
    loader.early_parse(false);
    Parser::new_from_str(text).load(&mut loader, true).map_err(TemplateError::Yaml)?;
    // The parser's result doesn't contain the loader's errors: duplicate keys, and aliases that expand without bounds.
    if let Some(error) = loader.error() {
        return Err(TemplateError::Yaml(error.clone()));
    }
    match loader.into_documents().as_slice() {
        [document] => value(document),
        documents => Err(TemplateError::Documents(documents.len())),
    }
}

fn value(yaml: &Yaml<'_>) -> Result<Value, TemplateError> {
    match yaml {
        Yaml::Representation(text, style, tag) => {
            let plain = scalar(text, *style);
            Ok(match tag {
                Some(tag) if !tag.is_yaml_core_schema() => intrinsic(tag, plain),
                _ => plain,
            })
        }
        Yaml::Sequence(items) => items.iter().map(value).collect::<Result<_, _>>().map(Value::Array),
        Yaml::Mapping(entries) => {
            entries.iter().map(|(key, item)| Ok((text_key(key)?, value(item)?))).collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        Yaml::Tagged(tag, inner) => Ok(intrinsic(tag, value(inner)?)),
        Yaml::Value(_) | Yaml::Alias(_) | Yaml::BadValue => Err(TemplateError::Node),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        "" | "~" | "null" if style == ScalarStyle::Plain => Value::Null,
        text => Value::String(text.to_owned()),
    }
}

fn text_key(key: &Yaml<'_>) -> Result<String, TemplateError> {
    match key {
        Yaml::Representation(text, ..) => Ok(text.clone().into_owned()),
        _ => Err(TemplateError::Node),
    }
}

/// `!Ref X` is `{"Ref": X}`, `!Condition X` is `{"Condition": X}`, every other `!F x` is `{"Fn::F": x}`
/// (CloudFormation's intrinsic function reference).
fn intrinsic(tag: &Tag, argument: Value) -> Value {
    let name = match tag.suffix.as_str() {
        bare @ ("Ref" | "Condition") => bare.to_owned(),
        function => format!("Fn::{function}"),
    };
    Value::Object(Map::from_iter([(name, argument)]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_forms_become_long_forms() {
        let document =
            read("a: !Ref X\nb: !Sub '${X}-b'\nc: !If [Prod, !GetAtt F.Arn, !Ref AWS::NoValue]\nd: !Not [!Condition Prod]\n").unwrap();
        assert_eq!(
            document,
            json!({
                "a": {"Ref": "X"},
                "b": {"Fn::Sub": "${X}-b"},
                "c": {"Fn::If": ["Prod", {"Fn::GetAtt": "F.Arn"}, {"Ref": "AWS::NoValue"}]},
                "d": {"Fn::Not": [{"Condition": "Prod"}]},
            })
        );
    }

    #[test]
    fn scalars_keep_their_text() {
        let document = read("a: 012345\nb: 1.0\nc: 2012-10-17\nd: true\ne: ''\nf:\ng: 'null'\n").unwrap();
        assert_eq!(document, json!({"a": "012345", "b": "1.0", "c": "2012-10-17", "d": "true", "e": "", "f": null, "g": "null"}));
    }

    #[test]
    fn anchors_are_followed() {
        let document = read("a: &x {k: v}\nb: *x\n").unwrap();
        assert_eq!(document["b"], json!({"k": "v"}));
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        assert!(matches!(read("a: [1"), Err(TemplateError::Yaml(_))));
        assert!(matches!(read("a: 1\na: 2\n"), Err(TemplateError::Yaml(_))), "a key that is there twice");
        assert!(matches!(read("a: 1\n---\nb: 1\n"), Err(TemplateError::Documents(2))));
    }
}
