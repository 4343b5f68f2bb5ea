# A bench in many allocations at the same time: a batch job, whose tasks write their results
# to their logs. collect-nomad.sh waits for it and prints one report.
#
#   nomad job run -detach -var "start=$(($(date +%s) + 60))" scripts/fleet/nomad.hcl
#   scripts/fleet/collect-nomad.sh mqtt-bench -- --fail-if 'p99>20ms'
#   nomad job stop -purge mqtt-bench
#
# - start is the time of the first message: late enough for all tasks to have started. A task
#   that starts later fails.
# - NOMAD_ALLOC_INDEX is set by Nomad. Four digits after it make an offset:
#   allocation 3 has the clients from 30000 on. So one has at most 10,000 of one role.
# - Each task does everything that its arguments say: N tasks have N times as many clients and
#   messages.
# - With the driver exec or raw_exec instead of docker: command = "mqtt" instead of image.

variable "start" {
  type        = string
  description = "when the first message is due, seconds since 1970"
}

variable "count" {
  type    = number
  default = 4
}

job "mqtt-bench" {
  type = "batch"

  group "bench" {
    count = var.count

    # A failed task is not started again: the others would have ended by then.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    # One client for each task if there are enough: tasks on one machine share its processors.
    spread {
      attribute = "${node.unique.id}"
    }

    task "bench" {
      driver = "docker"

      config {
        image = "mqtt:latest"
        args = [
          "bench",
          "--host=broker.example",
          "--pubs=100",
          "--subs=100",
          "--topic=bench/%i",
          "--qos=1",
          "--rate=10000",
          "--duration=30s",
          # These arguments make it a part of the fleet.
          "--run=mqtt-bench",
          "--client-offset=${NOMAD_ALLOC_INDEX}0000",
          "--start-at=@${var.start}",
          "--format=json",
          "--quiet",
        ]
      }

      resources {
        cpu    = 1000
        memory = 256
      }
    }
  }
}
