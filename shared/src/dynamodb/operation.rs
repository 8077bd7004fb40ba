//! DynamoDB's operations: for each, what the SDK writes its request and reads its answer with.

use std::{error::Error as StdError, fmt::Debug, sync::OnceLock};

use aws_sdk_dynamodb::{
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::{
        batch_get_item, delete_item, get_item, put_item, query, scan, transact_write_items,
        transact_write_items::builders::TransactWriteItemsInputBuilder, update_item,
    },
};
use aws_smithy_runtime::client::retries::classifiers::HttpStatusCodeClassifier;
use aws_smithy_runtime_api::client::{
    interceptors::context::{Error, Input, OutputOrError},
    orchestrator::{HttpResponse, OrchestratorError},
    result::CreateUnhandledError,
    retries::classifiers::{ClassifyRetry as _, SharedRetryClassifier},
    runtime_components::RuntimeComponentsBuilder,
    runtime_plugin::RuntimePlugin,
    ser_de::{DeserializeResponse as _, SharedRequestSerializer, SharedResponseDeserializer},
};
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer};

use super::{DynamoDb, Unheard};
use crate::entropy::{NoEntropy, Random};

/// What the SDK has for one operation.
pub struct Parts {
    pub(super) config: FrozenLayer,
    pub(super) serializer: SharedRequestSerializer,
    /// Which failures call for another attempt. The first match is overruled by later ones.
    pub(super) classifiers: Vec<SharedRetryClassifier>,
    /// DynamoDB's code of an error of this operation.
    pub(super) code: fn(&Error) -> Option<&str>,
}

impl Parts {
    fn of<E: ProvideErrorMetadata + StdError + Send + Sync + 'static>(plugin: &impl RuntimePlugin) -> Option<Self> {
        let config = plugin.config()?;
        let serializer = config.load::<SharedRequestSerializer>()?.clone();
        config.load::<SharedResponseDeserializer>()?;
        let nothing = RuntimeComponentsBuilder::new("dynamodb");
        let mut classifiers: Vec<_> = plugin.runtime_components(&nothing).retry_classifiers().collect();
        classifiers.push(SharedRetryClassifier::new(HttpStatusCodeClassifier::default()));
        classifiers.sort_by_key(SharedRetryClassifier::priority);
        Some(Self { config, serializer, classifiers, code: code_of::<E> })
    }

    pub(super) fn read(&self, answer: &HttpResponse, config: &ConfigBag) -> OutputOrError {
        match self.config.load::<SharedResponseDeserializer>() {
            Some(deserializer) => deserializer.deserialize_nonstreaming_with_config(answer, config),
            None => Err(OrchestratorError::other("the SDK has no deserializer of this operation")),
        }
    }
}

fn code_of<E: ProvideErrorMetadata + StdError + Send + Sync + 'static>(error: &Error) -> Option<&str> {
    error.downcast_ref::<E>()?.code()
}

/// A request that is being put together.
pub trait Operation: Send + Sized {
    /// The finished request.
    type Input: Debug + Send + Sync + 'static;
    /// DynamoDB's answer.
    type Output: Debug + Send + Sync + 'static;
    /// DynamoDB's no.
    type Error: ProvideErrorMetadata + CreateUnhandledError + StdError + Send + Sync + 'static;

    /// What the SDK has for it; `None` if a version of the SDK no longer shows it.
    fn parts() -> Option<&'static Parts>;

    /// The finished request.
    ///
    /// # Errors
    /// [`BuildError`] if something is missing.
    fn finished(self) -> Result<Self::Input, BuildError>;

    /// A request that is safe to send twice.
    ///
    /// # Errors
    /// [`NoEntropy`] if it needs a random token.
    fn repeatable(self, _: &Random) -> Result<Self, NoEntropy> {
        Ok(self)
    }
}

macro_rules! operations {
    ($($module:ident $operation:ident $builder:ident $input:ident $output:ident $error:ident $({ $repeatable:item })?;)*) => {$(
        impl Operation for $module::builders::$builder {
            type Input = $module::$input;
            type Output = $module::$output;
            type Error = $module::$error;

            fn parts() -> Option<&'static Parts> {
                static PARTS: OnceLock<Option<Parts>> = OnceLock::new();
                PARTS.get_or_init(|| Parts::of::<$module::$error>(&$module::$operation::new())).as_ref()
            }

            fn finished(self) -> Result<Self::Input, BuildError> {
                self.build()
            }

            $($repeatable)?
        }
    )*};
}

operations! {
    batch_get_item BatchGetItem BatchGetItemInputBuilder BatchGetItemInput BatchGetItemOutput BatchGetItemError;
    delete_item DeleteItem DeleteItemInputBuilder DeleteItemInput DeleteItemOutput DeleteItemError;
    get_item GetItem GetItemInputBuilder GetItemInput GetItemOutput GetItemError;
    put_item PutItem PutItemInputBuilder PutItemInput PutItemOutput PutItemError;
    query Query QueryInputBuilder QueryInput QueryOutput QueryError;
    scan Scan ScanInputBuilder ScanInput ScanOutput ScanError;
    update_item UpdateItem UpdateItemInputBuilder UpdateItemInput UpdateItemOutput UpdateItemError;
    transact_write_items TransactWriteItems TransactWriteItemsInputBuilder TransactWriteItemsInput TransactWriteItemsOutput
        TransactWriteItemsError {
        /// All attempts of a call share the token, so they commit once.
        fn repeatable(self, random: &Random) -> Result<TransactWriteItemsInputBuilder, NoEntropy> {
            let token = u128::from_be_bytes(random.bytes()?);
            Ok(self.client_request_token(format!("{token:032x}")))
        }
    };
}

/// Sending what was put together.
pub trait Ask: Operation {
    /// Sends it.
    ///
    /// # Errors
    /// The SDK's own.
    fn ask(self, dynamodb: &DynamoDb) -> impl Future<Output = Result<Self::Output, SdkError<Self::Error>>> + Send {
        dynamodb.send(self, None)
    }

    /// The same, and notes in `unheard` whether an attempt may have been carried out without an answer.
    ///
    /// # Errors
    /// The SDK's own.
    fn ask_noting(
        self,
        dynamodb: &DynamoDb,
        unheard: &Unheard,
    ) -> impl Future<Output = Result<Self::Output, SdkError<Self::Error>>> + Send {
        dynamodb.send(self, Some(unheard))
    }
}

impl<O: Operation> Ask for O {}

macro_rules! begin {
    ($($name:ident $module:ident $builder:ident;)*) => {
        /// Requests to put together, one method per operation.
        impl DynamoDb {$(
            pub(crate) fn $name(&self) -> $module::builders::$builder {
                $module::builders::$builder::default()
            }
        )*}
    };
}

begin! {
    batch_get_item batch_get_item BatchGetItemInputBuilder;
    delete_item delete_item DeleteItemInputBuilder;
    get_item get_item GetItemInputBuilder;
    put_item put_item PutItemInputBuilder;
    query query QueryInputBuilder;
    scan scan ScanInputBuilder;
    update_item update_item UpdateItemInputBuilder;
    transact_write_items transact_write_items TransactWriteItemsInputBuilder;
}

impl DynamoDb {
    async fn send<O: Operation>(&self, request: O, unheard: Option<&Unheard>) -> Result<O::Output, SdkError<O::Error>> {
        let unfinished = |error: aws_sdk_dynamodb::error::BoxError| SdkError::construction_failure(error);
        let parts = O::parts().ok_or_else(|| unfinished("the SDK has no parts of this operation".into()))?;
        let request = request.repeatable(&self.0.random).map_err(|error| unfinished(error.into()))?;
        let input = request.finished().map_err(|error| unfinished(error.into()))?;
        // On the heap: the state of all its layers would otherwise be a part of every caller's future.
        match Box::pin(self.call(parts, Input::erase(input), unheard)).await {
            Ok(output) => output.downcast().map_err(|_| unfinished("the SDK read another operation's answer".into())),
            Err(error) => Err(error.map_service_error(|error| {
                error.downcast().unwrap_or_else(|error| O::Error::create_unhandled_error(Box::new(error), None))
            })),
        }
    }
}
