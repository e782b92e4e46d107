# Serve a student's Shiny apps on one unix socket: `Rscript server.R SOCKET [FOLDER]`.
#
# Every folder below FOLDER (by default ~/shiny) that holds an app.R, or a ui.R and a server.R,
# is an app at ?app=NAME; without a name the page lists them. The folder is read at each request,
# so that an app written a minute ago is there. The example of the image is always offered.

arguments <- commandArgs(trailingOnly = TRUE)
socket <- arguments[1]
folder <- if (length(arguments) > 1) arguments[2] else path.expand("~/shiny")
examples <- "/usr/share/libretexts/shiny/examples"

is_app <- function(path) {
  file.exists(file.path(path, "app.R")) ||
    (file.exists(file.path(path, "ui.R")) && file.exists(file.path(path, "server.R")))
}

apps <- function() {
  folders <- c(list.dirs(folder, recursive = FALSE), list.dirs(examples, recursive = FALSE))
  folders <- Filter(is_app, folders)
  names(folders) <- basename(folders)
  folders[!duplicated(names(folders))]
}

# One app object per name and state of its files: saving a file gives a new one at the next visit.
loaded <- new.env()
load_app <- function(name) {
  path <- apps()[name]
  if (is.na(path)) return(NULL)
  changed <- max(file.mtime(list.files(path, recursive = TRUE, full.names = TRUE)))
  known <- loaded[[name]]
  if (is.null(known) || known$changed != changed) {
    known <- list(changed = changed, app = shiny::shinyAppDir(path))
    loaded[[name]] <- known
  }
  known$app
}

app_name <- function(query) shiny::parseQueryString(query)[["app"]]

index_page <- function() {
  names <- names(apps())
  shiny::fluidPage(
    shiny::titlePanel("Shiny apps"),
    shiny::p("Each folder in ~/shiny with an app.R is an app."),
    shiny::tags$ul(lapply(names, function(name) {
      shiny::tags$li(shiny::tags$a(href = paste0("?app=", utils::URLencode(name, reserved = TRUE)), name))
    }))
  )
}

missing_page <- function(name) {
  shiny::fluidPage(
    shiny::titlePanel("No such app"),
    shiny::p(sprintf("There is no folder ~/shiny/%s with an app.R.", name)),
    shiny::tags$a(href = "./", "All apps")
  )
}

ui <- function(request) {
  name <- app_name(request$QUERY_STRING)
  if (is.null(name)) return(index_page())
  app <- load_app(name)
  if (is.null(app)) return(missing_page(name))
  app$httpHandler(request)
}

server <- function(input, output, session) {
  name <- app_name(shiny::isolate(session$clientData$url_search))
  app <- if (is.null(name)) NULL else load_app(name)
  if (is.null(app)) return()
  # As Shiny itself does: an app may leave the session out of its arguments.
  run <- app$serverFuncSource()
  if (any(c("session", "...") %in% names(formals(run)))) run(input, output, session) else run(input, output)
}

# Only this user may open the socket: the server's own sign-in stands in front of it.
attr(socket, "mask") <- strtoi("0077", base = 8)
shiny::runApp(shiny::shinyApp(ui, server), port = socket, launch.browser = FALSE)
