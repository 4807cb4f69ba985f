# One full mesh of blasts between the servers of fleet.nomad.hcl: once on every client, with its place
# in the schedule by its address.
#
#   nomad job run scripts/fleet/nomad/mesh.nomad.hcl
#   nomad alloc logs ALLOCATION | scripts/fleet/mesh collect results      (of each allocation)
#   udpkit report --mesh results/*.json --html mesh.html

variable "image" {
  type        = string
  description = "Built by Containerfile"
  default     = "registry.example/udpkit:0.1.0"
}

variable "rate" {
  type        = string
  description = "Of each run; max is as fast as it goes"
  default     = "100M"
}

job "udpkit-mesh" {
  type        = "sysbatch"
  datacenters = ["*"]

  group "host" {
    network {
      mode = "host"
    }

    # Started anew, it would measure only what is missing; --turns does that.
    restart {
      attempts = 0
      mode     = "fail"
    }

    task "mesh" {
      driver = "docker"
      user   = "65532:65532"

      config {
        image        = var.image
        network_mode = "host"
        cap_drop     = ["all"]
        entrypoint   = ["udpkit-mesh"]
        args = [
          "--file", "${NOMAD_TASK_DIR}/hosts",
          "--self", "${attr.unique.network.ip-address}",
          "--turns", "2",
          "--out", "/tmp/results",
          "--print",
          "--",
          "--key=${NOMAD_SECRETS_DIR}/key",
          "--rate=${var.rate}",
        ]
      }

      # Read once, at the start. It must be the same everywhere: no client may come or go then.
      template {
        destination = "local/hosts"
        change_mode = "noop"
        data        = <<HOSTS
{{ range nomadService "udpkit" }}{{ .Address }}={{ .Address }}:{{ .Port }}
{{ end }}
HOSTS
      }
      template {
        destination = "secrets/key"
        perms       = "0400"
        uid         = 65532
        gid         = 65532
        change_mode = "noop"
        data        = "{{ with nomadVar \"nomad/jobs/udpkit-mesh\" }}{{ .key }}{{ end }}"
      }

      resources {
        cpu    = 100
        memory = 256
      }
    }
  }
}
