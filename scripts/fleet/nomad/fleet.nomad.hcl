# A udpkit server and a monitor on every client of a Nomad cluster; docs/guide/fleet.md says how to
# use it.
#
#   nomad var put nomad/jobs/udpkit key=@FILE
#   nomad job run scripts/fleet/nomad/fleet.nomad.hcl

variable "image" {
  type        = string
  description = "Built by Containerfile"
  default     = "registry.example/udpkit:0.1.0"
}

variable "allow" {
  type        = string
  description = "The clients' networks, as a list in TOML"
  default     = "[\"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\"]"
}

job "udpkit" {
  type        = "system"
  datacenters = ["*"]

  group "host" {
    network {
      mode = "host"
      port "udpkit" {
        static = 8620
      }
      port "metrics" {
        static = 9620
      }
      port "monitor" {
        static = 9621
      }
    }

    service {
      name     = "udpkit"
      provider = "nomad"
      port     = "udpkit"
    }
    service {
      name     = "udpkit-metrics"
      provider = "nomad"
      port     = "metrics"
    }
    service {
      name     = "udpkit-monitor-metrics"
      provider = "nomad"
      port     = "monitor"
    }

    task "serve" {
      driver       = "docker"
      user         = "65532:65532"
      kill_signal  = "SIGTERM"
      # Longer than --grace, so that runs may end. Clients have a maximum of their own.
      kill_timeout = "60s"

      config {
        image           = var.image
        network_mode    = "host"
        readonly_rootfs = true
        cap_drop        = ["all"]
        args = [
          "serve",
          "--key=${NOMAD_SECRETS_DIR}/key",
          "--policy=${NOMAD_TASK_DIR}/policy.toml",
          "--metrics=${NOMAD_ADDR_metrics}",
          "--timestamps=utc",
        ]
      }

      template {
        destination   = "secrets/key"
        perms         = "0400"
        uid           = 65532
        gid           = 65532
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = "{{ with nomadVar \"nomad/jobs/udpkit\" }}{{ .key }}{{ end }}"
      }
      template {
        destination   = "local/policy.toml"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = <<POLICY
allow = ${var.allow}
max_rate = "1G"
max_duration = "1min"
max_sessions = 16
POLICY
      }

      resources {
        cpu    = 100
        memory = 512
      }
    }

    # Every client watches all servers; the list is written anew as they come and go.
    task "monitor" {
      driver = "docker"
      user   = "65532:65532"

      config {
        image           = var.image
        network_mode    = "host"
        readonly_rootfs = true
        cap_drop        = ["all"]
        args = [
          "monitor",
          "${NOMAD_TASK_DIR}/targets.toml",
          "--key=${NOMAD_SECRETS_DIR}/key",
          "--interval=1s",
          "--metrics=${NOMAD_ADDR_monitor}",
          "--timestamps=utc",
        ]
      }

      template {
        destination   = "secrets/key"
        perms         = "0400"
        uid           = 65532
        gid           = 65532
        # A list is read again with its keys.
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = "{{ with nomadVar \"nomad/jobs/udpkit\" }}{{ .key }}{{ end }}"
      }
      template {
        destination   = "local/targets.toml"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = <<TARGETS
{{ range nomadService "udpkit" }}
[[target]]
address = "{{ .Address }}"
port = {{ .Port }}
{{ end }}
TARGETS
      }

      resources {
        cpu    = 100
        memory = 256
      }
    }
  }
}
