# The runner and the migrations of this commit; nothing else, not even a shell.
ARG RUNNER=ecs-migrate-runner:latest
FROM ${RUNNER}
COPY prisma/migrations /migrations
