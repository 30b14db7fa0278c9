# Node and the project's own Prisma CLI under the runner's lock: for what the runner cannot apply itself. Everything that is
# copied is in the context, so with BASE at hand nothing is fetched:
#   amd64/ecs-migrate-runner   the static binary, or arm64/…
#   node_modules               npm ci --omit=dev, for the image's platform: Prisma's engine is downloaded there, not at run time
#   prisma, prisma.config.*    schema and migrations
# Runs as nobody, with a root that cannot be written: Prisma is told to write nothing.
ARG BASE=docker.io/library/node:24-bookworm-slim
FROM ${BASE}
ARG TARGETARCH=amd64
WORKDIR /app
COPY node_modules ./node_modules
COPY prisma ./prisma
COPY prisma.config.* package.json ./
COPY ${TARGETARCH}/ecs-migrate-runner /ecs-migrate-runner
USER 65532:65532
ENV ECS_MIGRATE_MIGRATIONS=/app/prisma/migrations HOME=/nonexistent CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1
ENTRYPOINT ["/ecs-migrate-runner"]
CMD ["exec", "--", "node", "node_modules/prisma/build/index.js", "migrate", "deploy"]
