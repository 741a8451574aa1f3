import Jobs

/// How the API listens and waits.
public struct APIConfiguration: Sendable {
    public var host: String
    /// 0 lets the kernel choose; `APIServer.init`'s `onListening` hears which.
    public var port: Int
    /// The longest that `POST /api/execute` waits for a result before it answers 202.
    public var maxWait: Duration
    /// How long a job may wait in the queue before it expires; nil for as long as it takes.
    public var jobTimeToLive: Duration?
    /// How long running jobs may take to end at shutdown before their clients are answered 503.
    public var drainTimeout: Duration
    /// Connections served at once; where more come, those go that have waited longest for their clients, and where none waits,
    /// the next ones wait in the kernel's backlog. Keep it below the process's limit on descriptors.
    public var maxConnections: Int
    /// Bytes of all bodies that are being read at once.
    public var maxBodyBytesAtOnce: Int
    /// Bytes of all header fields of a request together.
    public var maxHeaderBytes: Int
    /// Header fields of a request.
    public var maxHeaderFields: Int
    public var deadlines: ConnectionDeadlines
    /// After how long without an event a stream of events says that it is alive.
    public var heartbeat: Duration
    public var access: AccessRules
    public var bounds: RequestBounds
    /// The limits of a request that says nothing.
    public var standard: Limits

    public init(
        host: String = "127.0.0.1", port: Int = 3_000, maxWait: Duration = .seconds(90),
        jobTimeToLive: Duration? = .seconds(3_600), drainTimeout: Duration = .seconds(30), maxConnections: Int = 800,
        maxBodyBytesAtOnce: Int = 256 << 20,
        maxHeaderBytes: Int = 32 << 10, maxHeaderFields: Int = 100,
        deadlines: ConnectionDeadlines = ConnectionDeadlines(), heartbeat: Duration = .seconds(15),
        access: AccessRules = AccessRules(),
        bounds: RequestBounds = .standard,
        standard: Limits = .standard
    ) {
        self.host = host
        self.port = port
        self.maxWait = maxWait
        self.jobTimeToLive = jobTimeToLive
        self.drainTimeout = drainTimeout
        self.maxConnections = maxConnections
        self.maxBodyBytesAtOnce = maxBodyBytesAtOnce
        self.maxHeaderBytes = maxHeaderBytes
        self.maxHeaderFields = maxHeaderFields
        self.deadlines = deadlines
        self.heartbeat = heartbeat
        self.access = access
        self.bounds = bounds
        self.standard = standard
    }
}

/// How long a client may take over each part of an exchange.
public struct ConnectionDeadlines: Sendable {
    /// From the connection's start, or the end of the last answer, to a whole request head.
    public var head: Duration
    /// From the head to the end of the body.
    public var body: Duration
    /// To read the answer; of a stream of events, what was written of it last.
    public var response: Duration
    /// To stop sending a body that has been answered already.
    public var linger: Duration

    public init(
        head: Duration = .seconds(30), body: Duration = .seconds(60), response: Duration = .seconds(60),
        linger: Duration = .seconds(2)
    ) {
        self.head = head
        self.body = body
        self.response = response
        self.linger = linger
    }
}
