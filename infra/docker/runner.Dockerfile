# The runner and nothing else. A project's image is this one and its migrations:
#   FROM ghcr.io/OWNER/ecs-migrate-runner:vX.Y.Z
#   COPY apps/api/prisma/migrations /migrations
# The context holds the static binary as CPU/ecs-migrate-runner, CPU being amd64 or arm64.
FROM scratch
ARG TARGETARCH=amd64
COPY ${TARGETARCH}/ecs-migrate-runner /ecs-migrate-runner
USER 65532:65532
ENV ECS_MIGRATE_MIGRATIONS=/migrations
ENTRYPOINT ["/ecs-migrate-runner"]
