//! CloudWatch's metric math, as far as the template's alarms use it
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>).

use std::collections::BTreeMap;

/// A value for each period; `None` where CloudWatch has no data point.
pub(super) type Points = Vec<Option<f64>>;

/// What that page leaves open. An alarm has to work whichever is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// `FILL` fills a series that has no data point in the range.
    pub(super) fills_empty: bool,
    /// `SUM` of several series passes over missing points; otherwise one missing point makes the sum missing.
    pub(super) sums_what_is_there: bool,
    /// How many periods beyond `EvaluationPeriods` CloudWatch looks back for data points.
    pub(super) looks_back: usize,
}

#[derive(Debug, Clone)]
enum Value {
    Number(f64),
    Points(Points),
    List(Vec<Points>),
}

/// The points of `expression` over `metrics`, which all have `length` points.
pub(super) fn evaluate(expression: &str, metrics: &BTreeMap<String, Points>, length: usize, reading: Reading) -> Points {
    let mut parser = Parser { rest: expression, metrics, length, reading };
    let value = parser.comparison();
    assert!(parser.peek().is_none(), "{expression}: not understood from {:?}", parser.rest);
    parser.points(value)
}

struct Parser<'a> {
    rest: &'a str,
    metrics: &'a BTreeMap<String, Points>,
    length: usize,
    reading: Reading,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn takes(&mut self, token: &str) -> bool {
        self.peek();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expects(&mut self, token: &str) {
        assert!(self.takes(token), "expected {token} before {:?}", self.rest);
    }

    fn word(&mut self) -> String {
        self.peek();
        let end = self.rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || "_.".contains(letter))).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn comparison(&mut self) -> Value {
        let left = self.sum();
        if self.takes(">=") {
            let right = self.sum();
            return self.each(left, right, |left, right| Some(f64::from(u8::from(left >= right))));
        }
        left
    }

    fn sum(&mut self) -> Value {
        let mut left = self.product();
        loop {
            if self.takes("+") {
                let right = self.product();
                left = self.each(left, right, |left, right| Some(left + right));
            } else if self.takes("-") {
                let right = self.product();
                left = self.each(left, right, |left, right| Some(left - right));
            } else {
                return left;
            }
        }
    }

    fn product(&mut self) -> Value {
        let mut left = self.operand();
        loop {
            if self.takes("*") {
                let right = self.operand();
                left = self.each(left, right, |left, right| Some(left * right));
            } else if self.takes("/") {
                let right = self.operand();
                left = self.each(left, right, |left, right| (right != 0.0).then(|| left / right));
            } else {
                return left;
            }
        }
    }

    fn operand(&mut self) -> Value {
        if self.takes("(") {
            let inner = self.comparison();
            self.expects(")");
            return inner;
        }
        if self.takes("[") {
            let list = self.arguments("]");
            return Value::List(list.into_iter().map(|one| self.points(one)).collect());
        }
        let word = self.word();
        if let Ok(number) = word.parse() {
            return Value::Number(number);
        }
        if self.takes("(") {
            let arguments = self.arguments(")");
            return self.function(&word, &arguments);
        }
        Value::Points(self.metrics.get(&word).unwrap_or_else(|| unreachable!("no metric {word:?}")).clone())
    }

    fn arguments(&mut self, end: &str) -> Vec<Value> {
        let mut arguments = vec![self.comparison()];
        while self.takes(",") {
            arguments.push(self.comparison());
        }
        self.expects(end);
        arguments
    }

    fn function(&self, name: &str, arguments: &[Value]) -> Value {
        match (name, arguments) {
            ("FILL", [Value::Points(points), Value::Number(with)]) => {
                let fills = self.reading.fills_empty || points.iter().any(Option::is_some);
                Value::Points(points.iter().map(|point| point.or(fills.then_some(*with))).collect())
            }
            ("SUM", [Value::List(list)]) => {
                let sum = |period: usize| {
                    let points: Vec<f64> = list.iter().filter_map(|points| points[period]).collect();
                    let enough = if self.reading.sums_what_is_there { !points.is_empty() } else { points.len() == list.len() };
                    enough.then(|| points.iter().sum())
                };
                Value::Points((0..self.length).map(sum).collect())
            }
            ("IF", [condition, then, otherwise]) => {
                let [condition, then, otherwise] = [condition, then, otherwise].map(|one| self.points(one.clone()));
                let choose = |period: usize| if condition[period]? != 0.0 { then[period] } else { otherwise[period] };
                Value::Points((0..self.length).map(choose).collect())
            }
            _ => unreachable!("{name} of {arguments:?} is not understood here"),
        }
    }

    /// A period has a result if both sides have a point.
    fn each(&self, left: Value, right: Value, operation: impl Fn(f64, f64) -> Option<f64>) -> Value {
        if let (Value::Number(left), Value::Number(right)) = (&left, &right) {
            return Value::Number(operation(*left, *right).unwrap());
        }
        let (left, right) = (self.points(left), self.points(right));
        Value::Points(left.into_iter().zip(right).map(|(left, right)| operation(left?, right?)).collect())
    }

    fn points(&self, value: Value) -> Points {
        match value {
            Value::Number(number) => vec![Some(number); self.length],
            Value::Points(points) => points,
            Value::List(_) => unreachable!("a list is no series"),
        }
    }
}

#[test]
fn metric_math_is_evaluated_as_documented() {
    let metrics: BTreeMap<String, Points> = [
        ("a".to_owned(), vec![Some(1.0), None, Some(4.0)]),
        ("b".to_owned(), vec![Some(10.0), Some(20.0), Some(0.0)]),
        ("never".to_owned(), vec![None; 3]),
    ]
    .into();
    let kind = Reading { fills_empty: true, sums_what_is_there: true, looks_back: 2 };
    let strict = Reading { fills_empty: false, sums_what_is_there: false, ..kind };
    let of = |expression: &str, reading| evaluate(expression, &metrics, 3, reading);
    assert_eq!(of("a + 2 * b - 1", kind), [Some(20.0), None, Some(3.0)]);
    assert_eq!(of("100 * (a / b)", kind), [Some(10.0), None, None], "nothing is divided by zero");
    assert_eq!(of("FILL(a, 0) + FILL(never, 0)", kind), [Some(1.0), Some(0.0), Some(4.0)]);
    assert_eq!(of("FILL(a, 0) + FILL(never, 0)", strict), [None; 3], "a series without points makes the sum one");
    assert_eq!(of("SUM([a, b])", kind), [Some(11.0), Some(20.0), Some(4.0)]);
    assert_eq!(of("SUM([a, b])", strict), [Some(11.0), None, Some(4.0)]);
    assert_eq!(of("IF(b >= 10, a, 7)", kind), [Some(1.0), None, Some(7.0)]);
}
