#!/usr/bin/env bash
# CDK's CfnInclude takes a SAM template, but not one that refers to what the SAM transform adds: an alias of AutoPublishAlias,
# which SAM's documentation names FUNCTION.Alias. cfn-lint finds nothing wrong with it. So such a template has to be expanded first.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cfn-lint==1.58.0
npm install --silent --no-audit --no-fund aws-cdk-lib@2.276.0 constructs@10.8.1 >/dev/null
cat >alias.yaml <<'YAML'
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Handler: index.handler
      InlineCode: 'exports.handler = async () => "hello"'
      AutoPublishAlias: live
Outputs:
  Target:
    Value: !Ref Hello.Alias
YAML
sed 's/Hello\.Alias/Hello/' alias.yaml >function.yaml
cat >include.cjs <<'JS'
const { App, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
for (const templateFile of ["function.yaml", "alias.yaml"]) {
  try {
    new CfnInclude(new Stack(new App(), "Stack"), "Template", { templateFile });
    console.log(templateFile, "taken");
  } catch (error) {
    console.log(templateFile, "refused:", error.message);
  }
}
JS
echo "aws-cdk-lib 2.276.0, cfn-lint 1.58.0"
venv/bin/cfn-lint function.yaml alias.yaml && echo "cfn-lint: nothing found"
node include.cjs 2>/dev/null | tee seen
grep -q '^function.yaml taken' seen && grep -q "^alias.yaml refused: .*'Hello.Alias' not found" seen || { echo "the behaviour has changed" >&2; exit 1; }
