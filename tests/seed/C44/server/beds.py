@get("/beds")
