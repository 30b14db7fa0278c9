//! The names of environment variables, each in one place.

/// The run that a process belongs to; the controller sets it in the task's overrides.
pub const RUN: &str = "ECS_MIGRATE_RUN";
/// What the runner is asked, as a JSON list of its arguments: RunTask overrides a container's command
/// and never its ENTRYPOINT, so the question travels here, and the runner obeys it in every mode.
pub const COMMAND: &str = "ECS_MIGRATE_COMMAND";
/// The one invocation of the controller that asked for the task: another one's request with the same
/// client token differs by it, so ECS itself says whose task it is.
pub const INVOCATION: &str = "ECS_MIGRATE_INVOCATION";
/// Who started the run, as ECS has it in `startedBy`; with the four below the controller sets it for
/// the runner's first line, because ECS forgets a task after an hour.
pub const STARTED_BY: &str = "ECS_MIGRATE_STARTED_BY";

/// The commit that the run is for.
pub const COMMIT: &str = "ECS_MIGRATE_COMMIT";

/// Cluster and family that the run is in, `cluster/family`.
pub const PLACE: &str = "ECS_MIGRATE_PLACE";

/// The image that the task runs, as its definition names it.
pub const TASK_IMAGE: &str = "ECS_MIGRATE_TASK_IMAGE";

/// What the task was asked to do, in the controller's own words: whoever looks at it later, and has only
/// its overrides or its log, judges it by the same.
pub const ASKED: &str = "ECS_MIGRATE_ASKED";

/// The services that wait for the run, with commas between their names.
pub const SERVICES: &str = "ECS_MIGRATE_SERVICES";

/// The person or bot behind the workflow run.
pub const ACTOR: &str = "ECS_MIGRATE_ACTOR";

/// The repository, `owner/name`.
pub const REPOSITORY: &str = "ECS_MIGRATE_REPOSITORY";

/// The number of the workflow run.
pub const WORKFLOW_RUN: &str = "ECS_MIGRATE_WORKFLOW_RUN";

/// Id or ARN of the Secrets Manager secret with the database's address and password.
pub const SECRET: &str = "ECS_MIGRATE_SECRET";
/// Directory of the migrations.
pub const MIGRATIONS: &str = "ECS_MIGRATE_MIGRATIONS";
/// `auto`, `json` or `text`.
pub const LOG_FORMAT: &str = "ECS_MIGRATE_LOG_FORMAT";
/// How long to wait for the advisory lock, e.g. `10m`.
pub const LOCK_WAIT: &str = "ECS_MIGRATE_LOCK_WAIT";
/// How long a database that does not answer is tried again, e.g. `1m`.
pub const CONNECT_WAIT: &str = "ECS_MIGRATE_CONNECT_WAIT";
/// Sign in with an IAM token instead of a password.
pub const IAM_AUTH: &str = "ECS_MIGRATE_IAM_AUTH";
/// The advisory lock's key.
pub const LOCK_KEY: &str = "ECS_MIGRATE_LOCK_KEY";
/// The longest that one attempt waits for a lock that traffic queues behind, e.g. `2s`.
pub const LOCK_TIMEOUT: &str = "ECS_MIGRATE_LOCK_TIMEOUT";
/// The same where nobody queues behind it, e.g. `15m`.
pub const LOCK_PATIENCE: &str = "ECS_MIGRATE_LOCK_PATIENCE";
/// How long to try again what other sessions stop, e.g. `15m`.
pub const LOCK_BUDGET: &str = "ECS_MIGRATE_LOCK_BUDGET";
/// Differences in the history that are allowed, comma-separated.
pub const ALLOW: &str = "ECS_MIGRATE_ALLOW";
/// `prisma` for Prisma's texts, codes and lenience.
pub const COMPAT: &str = "ECS_MIGRATE_COMPAT";
/// Whether `deploy` checks what is pending before anything is changed.
pub const CHECK: &str = "ECS_MIGRATE_CHECK";
/// What blocks in the check before a deployment: `NAME=LEVEL`, with commas between them.
pub const CHECK_POLICY: &str = "ECS_MIGRATE_CHECK_POLICY";
/// How long work under a lock may take before it counts as blocking.
pub const CHECK_LIMIT: &str = "ECS_MIGRATE_CHECK_LIMIT";
/// Hazards that are approved, with commas between them.
pub const APPROVE: &str = "ECS_MIGRATE_APPROVE";
/// Which share of the migrations is applied: `all`, `expand` or `contract`.
pub const PHASE: &str = "ECS_MIGRATE_PHASE";
/// Server on which `check` replays the migrations, as a URL.
pub const REPLAY_URL: &str = "ECS_MIGRATE_REPLAY_URL";
/// Create the database when it does not exist.
pub const CREATE_DATABASE: &str = "ECS_MIGRATE_CREATE_DATABASE";

/// Commands to run once after the migrations, one a line.
pub const THEN: &str = "ECS_MIGRATE_THEN";
/// Run them even if they have ended well before.
pub const THEN_AGAIN: &str = "ECS_MIGRATE_THEN_AGAIN";
/// `prisma`, `libpq` or `keep`: the `DATABASE_URL` of a wrapped command.
pub const CHILD_URL: &str = "ECS_MIGRATE_CHILD_URL";
/// How long a wrapped command may take to end after a signal, e.g. `20s`.
pub const GRACE: &str = "ECS_MIGRATE_GRACE";

/// The environment that a run is for, e.g. `production`.
pub const ENVIRONMENT: &str = "ECS_MIGRATE_ENVIRONMENT";
/// The application's role, which must be able to use what the migrations make.
pub const APP_ROLE: &str = "ECS_MIGRATE_APP_ROLE";
/// Objects that the application's role is not meant to use, comma-separated.
pub const APP_ROLE_EXCEPT: &str = "ECS_MIGRATE_APP_ROLE_EXCEPT";
/// `ignore`, `warn` or `stop`: what drift means for a deployment.
pub const ON_DRIFT: &str = "ECS_MIGRATE_ON_DRIFT";
/// Compare grants too when looking for drift.
pub const DRIFT_GRANTS: &str = "ECS_MIGRATE_DRIFT_GRANTS";
/// Command to run before the first change.
pub const BACKUP_COMMAND: &str = "ECS_MIGRATE_BACKUP_COMMAND";
/// File to keep the schema in, as it was before the first change.
pub const SCHEMA_DUMP: &str = "ECS_MIGRATE_SCHEMA_DUMP";
/// `time`, `rds` or `snapshot`: what the restore point before the first change is.
pub const RESTORE_POINT: &str = "ECS_MIGRATE_RESTORE_POINT";
/// What RDS calls the database: `instance:ID` or `cluster:ID`.
pub const RDS: &str = "ECS_MIGRATE_RDS";
/// `change` or `loss`: before what something is kept.
pub const KEEP_BEFORE: &str = "ECS_MIGRATE_KEEP_BEFORE";
/// URL of a server on which scratch databases may be made.
pub const SCRATCH_URL: &str = "ECS_MIGRATE_SCRATCH_URL";

/// The schema of the history and of unqualified names, as `?schema=` in a URL.
pub const SCHEMA: &str = "ECS_MIGRATE_SCHEMA";
/// Connection URL, with Prisma's parameters.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// libpq's host.
pub const PGHOST: &str = "PGHOST";
/// libpq's port.
pub const PGPORT: &str = "PGPORT";
/// libpq's user.
pub const PGUSER: &str = "PGUSER";
/// libpq's password.
pub const PGPASSWORD: &str = "PGPASSWORD";
/// libpq's database.
pub const PGDATABASE: &str = "PGDATABASE";
/// libpq's TLS mode.
pub const PGSSLMODE: &str = "PGSSLMODE";
/// libpq's file of trusted roots.
pub const PGSSLROOTCERT: &str = "PGSSLROOTCERT";

/// libpq's file of the client's certificate.
pub const PGSSLCERT: &str = "PGSSLCERT";
/// libpq's file of the client's key.
pub const PGSSLKEY: &str = "PGSSLKEY";
/// libpq's channel binding.
pub const PGCHANNELBINDING: &str = "PGCHANNELBINDING";
/// libpq's name in `pg_stat_activity`.
pub const PGAPPNAME: &str = "PGAPPNAME";

/// libpq's backend options.
pub const PGOPTIONS: &str = "PGOPTIONS";
/// libpq's time limit for connecting, in seconds.
pub const PGCONNECT_TIMEOUT: &str = "PGCONNECT_TIMEOUT";

/// libpq's name of a service, a whole connection in a file.
pub const PGSERVICE: &str = "PGSERVICE";
/// libpq's file of services.
pub const PGSERVICEFILE: &str = "PGSERVICEFILE";
/// libpq's file of passwords.
pub const PGPASSFILE: &str = "PGPASSFILE";

/// Set by ECS in every container since platform 1.4: we are in a task.
pub const ECS_METADATA: &str = "ECS_CONTAINER_METADATA_URI_V4";
/// Prisma's own switch: any value but the empty one and `0` disables its lock.
pub const PRISMA_DISABLE_LOCK: &str = "PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK";

/// The controller's settings file.
pub const CONFIG: &str = "ECS_MIGRATE_CONFIG";
/// The cluster's name or ARN.
pub const CLUSTER: &str = "ECS_MIGRATE_CLUSTER";
/// Family, family:revision or ARN.
pub const TASK_DEFINITION: &str = "ECS_MIGRATE_TASK_DEFINITION";
/// A task definition's JSON file.
pub const TEMPLATE: &str = "ECS_MIGRATE_TEMPLATE";
/// The container that decides.
pub const CONTAINER: &str = "ECS_MIGRATE_CONTAINER";
/// The image that the container runs.
pub const IMAGE: &str = "ECS_MIGRATE_IMAGE";
/// The repository that the migration image is pushed to.
pub const IMAGE_REPOSITORY: &str = "ECS_MIGRATE_IMAGE_REPOSITORY";
/// The static runner that the migration image is made of.
pub const RUNNER: &str = "ECS_MIGRATE_RUNNER";
/// The image that the migrations are put on, instead of a runner.
pub const BASE_IMAGE: &str = "ECS_MIGRATE_BASE_IMAGE";
/// `linux/amd64` or `linux/arm64`.
pub const PLATFORM: &str = "ECS_MIGRATE_PLATFORM";
/// The tag of the migration image.
pub const TAG: &str = "ECS_MIGRATE_TAG";
/// Where the registry of the repository answers, when not under its own name.
pub const REGISTRY_ENDPOINT: &str = "ECS_MIGRATE_REGISTRY_ENDPOINT";
/// Subnets, comma-separated.
pub const SUBNETS: &str = "ECS_MIGRATE_SUBNETS";
/// Security groups, comma-separated.
pub const SECURITY_GROUPS: &str = "ECS_MIGRATE_SECURITY_GROUPS";
/// `true` for subnets that reach AWS only through an internet gateway.
pub const ASSIGN_PUBLIC_IP: &str = "ECS_MIGRATE_ASSIGN_PUBLIC_IP";
/// The service whose network the task uses.
pub const NETWORK_FROM: &str = "ECS_MIGRATE_NETWORK_FROM";
/// The service that the migration is for.
pub const SERVICE: &str = "ECS_MIGRATE_SERVICE";
/// The image for services, or `name=image`, comma-separated.
pub const SERVICE_IMAGE: &str = "ECS_MIGRATE_SERVICE_IMAGE";
/// `true` to deploy services one after the other.
pub const IN_ORDER: &str = "ECS_MIGRATE_IN_ORDER";
/// How long a service's rollout is followed, e.g. `30m`.
pub const ROLLOUT_TIMEOUT: &str = "ECS_MIGRATE_ROLLOUT_TIMEOUT";
/// Time limit of the run.
pub const TIMEOUT: &str = "ECS_MIGRATE_TIMEOUT";
/// How long to wait for capacity and for what AWS needs to settle.
pub const CAPACITY_TIMEOUT: &str = "ECS_MIGRATE_CAPACITY_TIMEOUT";
/// The capacity provider that the task uses instead of launch type FARGATE.
pub const CAPACITY_PROVIDER: &str = "ECS_MIGRATE_CAPACITY_PROVIDER";
/// `stop` or `detach`: what a signal means for the task.
pub const ON_CANCEL: &str = "ECS_MIGRATE_ON_CANCEL";
/// The role that new credentials are asked for when the given ones expire in GitHub Actions.
pub const OIDC_ROLE: &str = "ECS_MIGRATE_OIDC_ROLE";
/// The AWS SDKs' own name for the role of a web identity.
pub const AWS_ROLE_ARN: &str = "AWS_ROLE_ARN";
/// Where a job in GitHub Actions with `id-token: write` gets its identity token.
pub const ACTIONS_ID_TOKEN_REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
/// The bearer token for that.
pub const ACTIONS_ID_TOKEN_REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
/// `wait` or `fail`: what to do while somebody else's run is in flight.
pub const IF_RUNNING: &str = "ECS_MIGRATE_IF_RUNNING";
/// `auto`, `runner` or `plain`: what the container runs. A task is told as well, so that whoever looks at
/// it later takes its container for the same.
pub const EXPECT: &str = "ECS_MIGRATE_EXPECT";
/// Makes invocations with the same key one run.
pub const RUN_KEY: &str = "ECS_MIGRATE_RUN_KEY";
/// `auto`, `text`, `json` or `github`.
pub const OUTPUT: &str = "ECS_MIGRATE_OUTPUT";
/// The command that is told how a run ended.
pub const ON_FINISH: &str = "ECS_MIGRATE_ON_FINISH";
/// Where a page about the run is written.
pub const REPORT: &str = "ECS_MIGRATE_REPORT";
/// Subnets, under the name that teams' scripts use today.
pub const VPC_SUBNETS: &str = "VPC_SUBNETS";
/// Security groups, under the name that teams' scripts use today.
pub const VPC_SECURITY_GROUPS: &str = "VPC_SECURITY_GROUPS";

/// Set by GitHub Actions in every step.
pub const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";
/// The workflow run's number, the same for a re-run.
pub const GITHUB_RUN_ID: &str = "GITHUB_RUN_ID";
/// What caused a workflow run: `push`, `pull_request` and so on.
pub const GITHUB_EVENT_NAME: &str = "GITHUB_EVENT_NAME";
/// The file with that event as JSON.
pub const GITHUB_EVENT_PATH: &str = "GITHUB_EVENT_PATH";
/// The branch, tag or pull request that a workflow run is for.
pub const GITHUB_REF: &str = "GITHUB_REF";
/// The commit that a workflow run is for.
pub const GITHUB_SHA: &str = "GITHUB_SHA";

/// Who caused a workflow run; the same for a re-run.
pub const GITHUB_ACTOR: &str = "GITHUB_ACTOR";

/// The folder of Docker's settings, instead of `.docker` in the home directory.
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// The home directory.
pub const HOME: &str = "HOME";

/// Where GitHub is, `https://github.com`.
pub const GITHUB_SERVER_URL: &str = "GITHUB_SERVER_URL";

/// The workflow that runs, `owner/name/.github/workflows/file@ref`.
pub const GITHUB_WORKFLOW_REF: &str = "GITHUB_WORKFLOW_REF";

/// The workflow's name.
pub const GITHUB_WORKFLOW: &str = "GITHUB_WORKFLOW";

/// `owner/name` of a workflow's repository.
pub const GITHUB_REPOSITORY: &str = "GITHUB_REPOSITORY";

/// The file that takes a step's outputs.
pub const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";
/// The file that takes a step's summary.
pub const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// Where the repository is checked out.
pub const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";
