/** A snapshot of every name that the packages export, types included, so that a change of the public API shows in review. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { listPublicNames } from "./lib/public-names.ts";

test("the first comment of an entry names it by @module, for the API reference", async () => {
  const unnamed = (await listPublicNames()).filter(({ entry, file }) => {
    const [comment = ""] = /^\/\*\*[^]*?\*\//.exec(readFileSync(file, "utf8")) ?? [];
    return !comment.includes(`\n * @module ${entry}\n`);
  });
  expect(unnamed.map(({ entry, file }) => `${file}: @module ${entry}`)).toEqual([]);
});

test("the packages export these names", async () => {
  const lines = (await listPublicNames()).map(({ entry, values, types }) =>
    [entry, ...values, ...types.map((name) => `type ${name}`)].join("\n  "),
  );
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    @tsgi/framework
      App
      Html
      HttpError
      InputError
      RequestHandler
      RequestKey
      RouteError
      TemplateError
      del
      get
      html
      on
      patch
      post
      put
      respond
      route
      routes
      withStatus
      type AfterHook
      type AppOptions
      type BareContext
      type BodyReader
      type ClassHandler
      type Context
      type Fields
      type Group
      type GroupOptions
      type HandlerClass
      type HandlerContext
      type HandlerResult
      type HttpErrorOptions
      type InputIssue
      type InputOf
      type Layer
      type Middleware
      type Need
      type OutputOf
      type PathParams
      type RenderOptions
      type Reply
      type ReplyOptions
      type Responses
      type Route
      type RouteDecorator
      type RouteErrorCode
      type RouteHandler
      type RouteOptions
      type RouteTable
      type Schema
      type StatusResult
      type TemplateErrorCode
      type UrlFor
    @tsgi/framework/route
      RouteError
      route
      routes
      type Fields
      type InputOf
      type Need
      type OutputOf
      type PathParams
      type Route
      type RouteErrorCode
      type RouteOptions
      type RouteTable
      type Schema
    @tsgi/framework/database
      DatabaseError
      openDatabase
      type Database
      type DatabaseErrorCode
      type DatabaseOptions
      type DatabaseParameter
      type DatabaseRow
      type DatabaseValue
      type ExecuteResult
      type PingOptions
      type Queryable
      type TransactionOptions
    @tsgi/framework/mysql
      openMysql
      type MysqlOptions
      type MysqlTls
    @tsgi/framework/sqlite
      openSqlite
    @tsgi/framework/migrations
      MigrationError
      listMigrations
      migrate
      type Migration
      type MigrationErrorCode
    @tsgi/framework/cookies
      createSealer
      createSigner
      expireCookie
      readCookies
      writeCookie
      type CookieOptions
      type Keys
      type Sealer
      type Signer
    @tsgi/framework/security
      basic
      basicCredentials
      bearer
      bearerToken
      cors
      cspNonce
      csrfProtection
      equalSecrets
      hashPassword
      loginLimit
      rateLimit
      securityHeaders
      verifyPassword
      type BasicCredentials
      type BasicOptions
      type CorsOptions
      type CsrfOptions
      type LoginLimit
      type LoginLimitOptions
      type RateLimitOptions
      type SecurityHeaderOptions
    @tsgi/framework/compression
      chooseCoding
      compression
      type Coding
      type CompressionOptions
    @tsgi/framework/conditional
      cacheControl
      conditional
      type CacheOptions
    @tsgi/framework/uploads
      DEFAULT_MULTIPART_LIMITS
      readMultipart
      upload
      uploads
      type FieldPart
      type FilePart
      type MultipartLimits
      type Part
      type Upload
      type UploadOptions
      type UploadedForm
    @tsgi/framework/testing
      CookieJar
      testClient
      type Client
      type ClientOptions
      type ClientRequest
      type CloseReason
      type TestResponse
      type TestSocket
      type WebSocketRequest
    @tsgi/framework/client
      ClientError
      call
      client
      type CallInput
      type CallOptions
      type CallOutput
      type Caller
    @tsgi/framework/forms
      formPage
      type FormPage
      type FormState
    @tsgi/framework/openapi
      docs
      openApiDocument
      type DocsOptions
      type DocumentInfo
      type DocumentedRoute
      type JsonSchema
      type OpenApiDocument
      type Operation
      type Parameter
    @tsgi/framework/sessions
      SESSION_TABLE
      databaseSessions
      sessions
      type DatabaseSessionStore
      type Session
      type SessionOptions
      type SessionStore
    @tsgi/framework/streams
      changes
      events
      follow
      localTopics
      webSocket
      workerTopics
      type ChangesOptions
      type EventsOptions
      type FollowOptions
      type StreamEvent
      type Topics
      type TypedSocket
      type WebSocketRouteOptions
    @tsgi/framework/redis
      redisTopics
      type RedisTopics
      type RedisTopicsOptions
    @tsgi/gateway-spec
      type Address
      type Application
      type Awaitable
      type ClientCertificate
      type CloseOptions
      type Exchange
      type ExchangeError
      type ExchangeErrorCode
      type Handler
      type HeaderFields
      type HeaderView
      type IncomingRequest
      type Logger
      type OutgoingResponse
      type ReadableStreamLike
      type ResponseBody
      type Serve
      type ServeOptions
      type Server
      type ServerInfo
      type TlsInfo
      type WebSocketOptions
      type WebSocketUpgrade
    @tsgi/gateway-spec/body
      BodyError
      DEFAULT_BODY_LIMIT_BYTES
      readBytes
      readForm
      readJson
      readText
      type BodyErrorCode
      type ReadOptions
      type Readable
    @tsgi/gateway-spec/server-kit
      BodyQueue
      BodyWriter
      CLIENT_ADDRESS
      CONNECTION_FIELDS
      ContentCheck
      ExchangeState
      FORBIDDEN_IN_FIELD_VALUE
      FORBIDDEN_TRAILERS
      FieldView
      HandlerScope
      Lifespan
      MAX_WRITE_BYTES
      STDERR_LOGGER
      ServerExchange
      TOKEN
      boundAddress
      byteLength
      cancelBody
      cancelResponse
      cancelUnsentBody
      checkField
      checkInformationalStatus
      checkResponse
      checkStatus
      clientAddress
      clientDisconnected
      closable
      contentMalformed
      contentTimeout
      contentTooLarge
      currentScope
      eachField
      exchangeError
      failureResponse
      hasNoContent
      informationalLines
      isPairs
      isPromiseLike
      isWhole
      lengthMismatch
      lifespanHandle
      localAddress
      logHandlerError
      openBody
      parseContentLength
      peerAddress
      plainResponse
      refusalLine
      refusalStatus
      responseTimeout
      serverClosed
      serverUrl
      tcpAddress
      tlsInfo
      toHeaderView
      trailerLines
      type BodyQueueOwner
      type BodySink
      type BodySource
      type FailableContent
      type FieldLines
      type LifespanHandle
      type PlainResponse
      type Releasable
      type SocketLike
    @tsgi/gateway-spec/server-kit/node
      NodeExchange
      type NodeHost
    @tsgi/gateway-spec/server-kit/fetch
      FetchExchange
      type FetchHost
    @tsgi/gateway-spec/access-log
      accessLog
      noteRoute
      requestIdOf
      type AccessLogOptions
      type AccessRecord
    @tsgi/gateway-spec/events
      eventStream
      formatEvent
      type EventStreamOptions
      type ServerSentEvent
    @tsgi/gateway-spec/websocket
      messages
      send
      type Message
      type MessagesOptions
    @tsgi/gateway-spec/testing
      createTestClient
      type TestClient
      type TestRequest
      type TestResponse
    @tsgi/gateway-spec/lint
      LintError
      checks
      lint
      type Check
      type CheckName
      type LintOptions
      type Violation
    @tsgi/gateway-spec/fetch
      fromFetch
      toFetch
      type ExecutionContext
      type FetchContext
      type FetchHandler
      type FetchListener
      type FromFetchOptions
      type LifespanHandle
      type ToFetchOptions
    @tsgi/gateway-spec/fetch-server
      FALL_THROUGH
      PROTOCOL_MARKER
      fromServerContext
      isHandlerObject
      toExchangeError
      toProtocolError
      toServerContext
      type ConnectContext
      type FromServerContextOptions
      type HandlerObject
      type ProtocolErrorCode
      type RequestPriority
      type ServerContext
      type ServerContextHandler
      type SocketAddress
      type ToServerContextOptions
    @tsgi/gateway-spec/node
      fromNode
      toNode
      type LifespanHandle
      type NodeListener
      type ToNodeOptions
    @tsgi/gateway-spec/wsgi
      InputStream
      WsgiValidationError
      validator
      wsgi
      type Bytes
      type Environ
      type ErrorStream
      type ExcInfo
      type FileLike
      type StartResponse
      type WsgiApplication
      type WsgiClass
      type WsgiFunction
      type WsgiOptions
      type WsgiResponse
    @tsgi/gateway-spec/asgi
      asgi
      type AsgiApplication
      type Bytes
      type HttpScope
      type Lifespan
      type LifespanScope
      type Receive
      type ReceiveEvent
      type Scope
      type Send
      type SendEvent
      type SentHeaders
      type WebSocketScope
    @tsgi/gateway-spec/conformance
      ConformanceError
      cases
      checkTarget
      conformanceApplication
      labelOf
      runCase
      runConformance
      runsOf
      type Capability
      type CaseContext
      type CaseOutcome
      type CaseResult
      type CaseRun
      type ConformanceCase
      type ConformanceTarget
      type ExchangeCase
      type Probe
      type Protocol
      type ServerCase
      type ServerCaseContext
    @tsgi/server/socket
      serve
      type ProxyOptions
      type SelfSignedOptions
      type SocketServeOptions
      type TlsCertificate
      type TlsChoice
      type TlsOptions
    @tsgi/server/node
      serve
      type NodeServeOptions
      type ProxyOptions
      type SelfSignedOptions
      type TlsCertificate
      type TlsChoice
      type TlsOptions
    @tsgi/server/bun
      serve
      type BunServeOptions
      type FetchHostOptions
      type ProxyOptions
      type TlsCertificate
    @tsgi/server/deno
      serve
      type DenoServeOptions
      type FetchHostOptions
      type ProxyOptions
      type TlsCertificate
    @tsgi/server/static-files
      staticFiles
      type StaticFilesOptions
    @tsgi/server/pool
      PoolFullError
      createPool
      type FunctionName
      type Pool
      type PoolOptions
      type PoolRunOptions
    @tsgi/server/http1
      DEFAULT_HEAD_LIMITS
      RequestError
      RequestParser
      ResponseError
      ResponseHeadEncoder
      chunkStart
      contentLengthLine
      lastChunk
      readHead
      reasonPhrase
      statusLine
      trailerLine
      type DataEvent
      type EndEvent
      type HeadLimits
      type ParserCaches
      type RefusalStatus
      type RequestErrorCode
      type RequestEvent
      type RequestHead
      type ResponseErrorCode
      type ResponseFields
    "
  `);
});

/** Types exist only in the source. No entry may have an `export *`, which would hide names. */
