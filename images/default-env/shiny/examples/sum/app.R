library(shiny)

ui <- fluidPage(
  titlePanel("The sum of the first numbers"),
  sliderInput("n", "How many numbers", min = 1, max = 1000, value = 100),
  textOutput("total"),
  plotOutput("growth", height = "300px")
)

server <- function(input, output) {
  output$total <- renderText(paste("sum is", sum(seq_len(input$n))))
  output$growth <- renderPlot(plot(cumsum(seq_len(input$n)), type = "l", xlab = "n", ylab = "sum"))
}

shinyApp(ui, server)
