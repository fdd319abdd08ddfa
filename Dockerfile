# The program with the C library that docs/performance.md was measured with, and the roots of trust; an unprivileged user
# runs it.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin llm-proxy

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/llm-proxy /llm-proxy
EXPOSE 8080
ENTRYPOINT ["/llm-proxy"]
CMD ["--config", "/etc/llm-proxy/config.yaml", "--host", "0.0.0.0"]
