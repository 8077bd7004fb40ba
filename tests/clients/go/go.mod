module latchkey.test/walk

go 1.23

require latchkey.test/generated/openapi v0.0.0

replace latchkey.test/generated/openapi => ../generated/go
