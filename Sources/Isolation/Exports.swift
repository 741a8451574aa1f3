// The limits and the report of a job travel between engine and launcher as they are; to the worker they are the engine's.
@_exported public import LaunchProtocol
