# A bench in many allocations at one time: a batch job, whose tasks print their results
# to their logs. collect-nomad.sh waits for it and prints one report.
#
#   nomad job run -detach -var "start=$(($(date +%s) + 60))" scripts/fleet/nomad.hcl
#   scripts/fleet/collect-nomad.sh mqtt-bench -- --fail-if 'p99>20ms'
#   nomad job stop -purge mqtt-bench
#
# - start is when the first message is due: late enough for all tasks to be there. A task
#   that comes later refuses to run.
# - NOMAD_ALLOC_INDEX is set by Nomad. Four digits behind it make it an offset: the
#   allocation 3 has the clients from 30000 on. So one has at most 10,000 of one role.
# - Each task does all that its arguments say, so as many times more clients and messages
#   come together.
# - With the driver exec or raw_exec instead of docker: command = "mqtt" in the place of image.

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

    # What failed is not to be tried again: the others would be done by then.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    # A client each, where there are enough: tasks on one machine share its processors.
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
          # What follows makes it a part of the fleet.
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
