# Latchkey's stack in Terraform or OpenTofu. The template is the one that `sam package` wrote.
variable "packaged_template" {
  type        = object({ bucket = string, key = string })
  description = "Where `sam package` put the template and the functions."
}

data "aws_region" "here" {}

resource "aws_cloudformation_stack" "latchkey" {
  name         = "latchkey"
  template_url = "https://${var.packaged_template.bucket}.s3.${data.aws_region.here.region}.amazonaws.com/${var.packaged_template.key}"
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  parameters = {
    AccessTokenTtl = "10m"
    AdminApi       = "Regional"
    AdminCallers   = aws_iam_role.sign_in.arn
  }

  lifecycle {
    prevent_destroy = true
  }
}

# The service that signs users in may issue logins, and nothing else.
resource "aws_iam_role" "sign_in" {
  name               = "sign-in"
  assume_role_policy = data.aws_iam_policy_document.ecs.json
}

data "aws_iam_policy_document" "ecs" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

output "api" {
  value = aws_cloudformation_stack.latchkey.outputs["ApiUrl"]
}

output "back_office" {
  value = aws_cloudformation_stack.latchkey.outputs["AdminApiUrl"]
}
