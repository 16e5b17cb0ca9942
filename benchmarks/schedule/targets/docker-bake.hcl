# Twelve images as somebody at home builds them in a night, with what each takes on a small board, a hundredth of it.
variable "REGISTRY" {}
variable "BASE" {}
variable "CONTEXT" {}
variable "PREFIX" {}

group "default" { targets = ["jaeger", "prometheus", "exporter", "tools"] }

target "_common" {
  context = CONTEXT
  platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
  output = ["type=registry"]
}

target "jaeger" {
  inherits = ["_common"]
  name = "jaeger-${part}"
  matrix = { part = ["agent", "collector", "ingester", "query"] }
  tags = ["${REGISTRY}/${PREFIX}-jaeger-${part}:1"]
  args = { BASE = BASE, NAME = "jaeger ${part}", FETCH = 1, COMPILE = 4 }
}

target "prometheus" {
  inherits = ["_common"]
  tags = ["${REGISTRY}/${PREFIX}-prometheus:1"]
  args = { BASE = BASE, NAME = "prometheus", FETCH = 2, COMPILE = 8 }
}

target "exporter" {
  inherits = ["_common"]
  name = "exporter-${what}"
  matrix = { what = ["node", "smart", "mqtt", "blackbox"] }
  tags = ["${REGISTRY}/${PREFIX}-exporter-${what}:1"]
  args = { BASE = BASE, NAME = "exporter ${what}", FETCH = 1, COMPILE = 2 }
}

target "tools" {
  inherits = ["_common"]
  name = "tool-${what}"
  matrix = { what = ["backup", "dns", "proxy"] }
  tags = ["${REGISTRY}/${PREFIX}-tool-${what}:1"]
  args = { BASE = BASE, NAME = "tool ${what}", FETCH = 1, COMPILE = 1 }
}
